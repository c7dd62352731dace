//! Puts the DuckDB library beside the extension module, which looks for it there.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN"),
        Ok("macos") => {
            println!("cargo:rustc-link-arg=-Wl,-rpath,@loader_path");
            // The names of Python are found when Python loads the module.
            println!("cargo:rustc-cdylib-link-arg=-undefined");
            println!("cargo:rustc-cdylib-link-arg=dynamic_lookup");
        }
        _ => return,
    }
    let (Ok(folder), Ok(own)) = (env::var("DUCKDB_LIB_DIR"), env::var("CARGO_MANIFEST_DIR")) else { return };
    let package = PathBuf::from(own).join("windlass");
    for name in ["libduckdb.so", "libduckdb.dylib"] {
        let from = Path::new(&folder).join(name);
        println!("cargo:rerun-if-changed={}", from.display());
        if from.exists() {
            place(&from, &package.join(name));
        }
    }
}

/// Copies a file unless it is there already; a link would not go into a wheel.
fn place(from: &Path, to: &Path) {
    let size = |path: &Path| fs::metadata(path).map(|data| data.len()).ok();
    if size(from) != size(to) && fs::copy(from, to).is_err() {
        println!("cargo:warning=cannot copy {} to {}", from.display(), to.display());
    }
}
