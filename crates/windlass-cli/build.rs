//! Lets the binary find the DuckDB library that it is linked to, from any folder and with no environment set.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    // A release puts the library beside the binary or into the `lib` folder next to it.
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN:$ORIGIN/../lib");
    }
    let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") else { return };
    // The link in the checkout may move; the folder that it points to stays.
    let folder = std::fs::canonicalize(&folder).map_or(folder, |path| path.display().to_string());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
}
