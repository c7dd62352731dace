//! Lets the programs of this crate find the DuckDB library that they are linked to.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") else { return };
    // The link in the checkout may move; the folder that it points to stays.
    let folder = std::fs::canonicalize(&folder).map_or(folder, |path| path.display().to_string());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
}
