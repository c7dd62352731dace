//! A Postgres server for tests: the one that `WINDLASS_TEST_POSTGRES` names, or a private one that runs as long as a test
//! of this machine uses it.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who may do everything.
const USER: &str = "windlass";
const PASSWORD: &str = "correct horse";

/// A running server.
pub(crate) struct Server {
    /// URL with user and password.
    pub(crate) url: String,
    own: Option<Own>,
}

struct Own {
    folder: PathBuf,
    /// Locked in common by all who use the server.
    users: File,
}

impl Server {
    /// The server that all tests share; `None` if this machine has none.
    pub(crate) fn shared() -> Option<Self> {
        if let Ok(url) = std::env::var("WINDLASS_TEST_POSTGRES") {
            return Some(Self { url, own: None });
        }
        let Some(bin) = binaries() else {
            eprintln!("left out: there are no Postgres binaries and no WINDLASS_TEST_POSTGRES");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("windlass-test-postgres-{}", user_id()));
        fs::create_dir_all(&folder).unwrap();
        // One after the other: starting and stopping are not to overlap.
        let gate = lock_file(&folder.join("gate"));
        gate.lock().unwrap();
        let users = lock_file(&folder.join("users"));
        users.lock_shared().unwrap();
        let port = match fs::read_to_string(folder.join("port")) {
            Ok(port) if is_running(&bin, &folder) => port,
            _ => start(&bin, &folder),
        };
        drop(gate);
        let url = format!("postgresql://{USER}:{}@127.0.0.1:{port}/postgres", PASSWORD.replace(' ', "%20"));
        Some(Self { url, own: Some(Own { folder, users }) })
    }

    /// The certificate that the server shows, if it shows one.
    pub(crate) fn certificate(&self) -> Option<PathBuf> {
        let path = self.own.as_ref()?.folder.join("data/server.crt");
        path.exists().then_some(path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(own) = &self.own else { return };
        let gate = lock_file(&own.folder.join("gate"));
        gate.lock().unwrap();
        own.users.unlock().unwrap();
        match own.users.try_lock() {
            Ok(()) => {
                let Some(bin) = binaries() else { return };
                control(&bin, &own.folder, &["-m", "immediate", "stop"]);
                drop(fs::remove_file(own.folder.join("port")));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => panic!("the lock of the server: {cause}"),
        }
    }
}

fn lock_file(path: &Path) -> File {
    File::options().create(true).truncate(false).write(true).open(path).unwrap()
}

/// The newest installation.
fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

fn user_id() -> String {
    let output = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A program of the server, not as root, which the server refuses to run as.
fn command(program: &Path) -> Command {
    let mut command = if user_id() == "0" {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn control(bin: &Path, folder: &Path, arguments: &[&str]) -> bool {
    let mut command = command(&bin.join("pg_ctl"));
    command.arg("-D").arg(folder.join("data")).args(arguments).status().is_ok_and(|status| status.success())
}

fn is_running(bin: &Path, folder: &Path) -> bool {
    control(bin, folder, &["status"])
}

/// Starts the server, makes its data folder first if there is none, and gives its port.
fn start(bin: &Path, folder: &Path) -> String {
    let data = folder.join("data");
    if !data.join("ready").exists() {
        drop(fs::remove_dir_all(&data));
        fs::create_dir_all(&data).unwrap();
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        if user_id() == "0" {
            Command::new("chown").args(["-R", "postgres:postgres"]).arg(folder).status().unwrap();
        }
        let mut initdb = command(&bin.join("initdb"));
        initdb.args(["-N", "-E", "UTF8", "--auth=scram-sha-256", "-U", USER]).arg("-D").arg(&data);
        assert!(initdb.arg("--pwfile").arg(&password).status().unwrap().success(), "initdb failed");
        make_certificate(&data);
        fs::write(data.join("ready"), "").unwrap();
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let ssl = if data.join("server.crt").exists() { "on" } else { "off" };
    let options = format!(
        "-p {port} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c ssl={ssl} \
         -c max_connections=50 -c shared_buffers=32MB"
    );
    let log = data.join("log").display().to_string();
    assert!(
        control(bin, folder, &["-w", "-l", &log, "-o", &options, "start"]),
        "pg_ctl start failed, see {log}"
    );
    fs::write(folder.join("port"), &port).unwrap();
    port
}

/// A certificate for the address of the server, signed by itself; none where there is no openssl.
fn make_certificate(data: &Path) {
    let mut openssl = command(Path::new("/usr/bin/openssl"));
    openssl.args(["req", "-new", "-x509", "-days", "3650", "-nodes", "-newkey", "rsa:2048"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    // A server's own certificate is no authority, and rustls looks at that.
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-out").arg(data.join("server.crt")).arg("-keyout").arg(data.join("server.key"));
    if openssl.status().is_ok_and(|status| status.success()) {
        command(Path::new("/bin/chmod")).arg("600").arg(data.join("server.key")).status().unwrap();
    }
}
