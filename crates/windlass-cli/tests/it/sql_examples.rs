//! The examples of SQL databases, as their users run them: each starts its servers, loads, compares and stops.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs an example's script, if the machine has its servers.
fn run(folder: &str, servers: &[&str]) {
    if let Some(missing) = servers.iter().find(|server| !Path::new(server).exists()) {
        eprintln!("left out: there is no {missing}");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(folder).join("run.sh");
    let home = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .arg(&script)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", home.path())
        .env("WINDLASS", env!("CARGO_BIN_EXE_windlass"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{folder}: {stdout}{stderr}");
    assert!(!stdout.contains("pa:ss@word") && !stderr.contains("pa%3Ass"), "{stdout}{stderr}");
}

const MARIADB: &str = "/usr/sbin/mariadbd";
const POSTGRES: &str = "/usr/lib/postgresql";

#[test]
fn rfam_is_loaded_in_chunks() {
    run("rfam", &[MARIADB]);
}

#[test]
fn a_shop_goes_from_mysql_to_postgres() {
    run("mysql_to_postgres", &[MARIADB, POSTGRES]);
}

#[test]
fn readings_go_from_postgres_to_parquet() {
    run("postgres_to_parquet", &[POSTGRES]);
}

#[test]
fn a_library_goes_from_sqlite_to_duckdb() {
    run("sqlite_to_duckdb", &[]);
}
