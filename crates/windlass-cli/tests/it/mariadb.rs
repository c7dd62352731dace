//! A MariaDB server for tests: one that runs as long as a test of this machine uses it.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user that tests connect as; the characters of its password have meanings in URLs.
pub(crate) const USER: &str = "windlass";
pub(crate) const PASSWORD: &str = "p@ss/w:rd?#%";
pub(crate) const PASSWORD_IN_URL: &str = "p%40ss%2Fw%3Ard%3F%23%25";

/// A running server.
pub(crate) struct MariaDb {
    folder: PathBuf,
    pub(crate) port: String,
    /// Locked in common by all who use the server.
    users: File,
}

/// A database of one test, with a name of its own.
pub(crate) struct Database {
    pub(crate) server: MariaDb,
    pub(crate) name: String,
}

impl MariaDb {
    /// The server that all tests share; `None` if this machine has none.
    pub(crate) fn shared() -> Option<Self> {
        let programs = ["/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db", "/usr/bin/mariadb"];
        if !programs.iter().all(|program| Path::new(program).exists()) {
            eprintln!("left out: there is no MariaDB (mariadb-server-core and mariadb-client-core)");
            return None;
        }
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let user = String::from_utf8(user).unwrap().trim().to_owned();
        // The socket's path may have 107 bytes, so the folder is not below a deep one.
        let folder = std::env::temp_dir().join(format!("windlass-test-mariadb-{user}"));
        fs::create_dir_all(&folder).unwrap();
        // One after the other: starting and stopping are not to overlap.
        let gate = lock_file(&folder.join("gate"));
        gate.lock().unwrap();
        let users = lock_file(&folder.join("users"));
        users.lock_shared().unwrap();
        let server = match fs::read_to_string(folder.join("port")) {
            Ok(port) if is_running(&folder) => Self { folder, port, users },
            _ => {
                let port = start(&folder, &user);
                Self { folder, port, users }
            }
        };
        drop(gate);
        Some(server)
    }

    /// The path of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The certificate that it shows, if it shows one.
    pub(crate) fn certificate(&self) -> Option<PathBuf> {
        let path = self.folder.join("data/server.crt");
        path.exists().then_some(path)
    }

    /// Runs statements as the administrator and gives what they print, without the names of columns.
    pub(crate) fn execute(&self, sql: &str) -> String {
        execute(&self.folder, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let gate = lock_file(&self.folder.join("gate"));
        gate.lock().unwrap();
        self.users.unlock().unwrap();
        match self.users.try_lock() {
            Ok(()) => {
                drop(execute(&self.folder, "SHUTDOWN"));
                drop(fs::remove_file(self.folder.join("port")));
                let deadline = Instant::now() + Duration::from_secs(20);
                while self.socket().exists() && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) => panic!("the lock of the server: {cause}"),
        }
    }
}

impl Database {
    /// An empty database of this name; `None` if this machine has no server.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let server = MariaDb::shared()?;
        let name = format!("{name}_{}", std::process::id());
        server.execute(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"));
        Some(Self { server, name })
    }

    /// Runs statements in this database, with no checks of values, and gives what they print.
    pub(crate) fn execute(&self, sql: &str) -> String {
        self.server.execute(&format!("USE {}; SET sql_mode = ''; SET time_zone = '+00:00'; {sql}", self.name))
    }

    /// Its address with parameters, such as `?charset=utf8mb4`.
    pub(crate) fn url(&self, parameters: &str) -> String {
        format!(
            "mysql+pymysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}/{}{parameters}",
            self.server.port, self.name
        )
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(execute(&self.server.folder, &format!("DROP DATABASE {}", self.name)));
    }
}

fn lock_file(path: &Path) -> File {
    File::options().create(true).truncate(false).write(true).open(path).unwrap()
}

/// A program of MariaDB that reads none of the machine's settings.
fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin").env("LC_ALL", "C.UTF-8").arg("--no-defaults");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn execute(folder: &Path, sql: &str) -> Result<String, String> {
    let mut client = program("/usr/bin/mariadb");
    client.arg("--socket").arg(folder.join("socket")).args(["--user=root", "--batch", "--skip-column-names"]);
    client.args(["--default-character-set=utf8mb4", "--max-allowed-packet=1G", "--binary-mode"]);
    let mut client = client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut input = client.stdin.take().unwrap();
    let sql = sql.to_owned();
    // The client may stop reading at an error, and its words say more than a broken pipe.
    let writer = std::thread::spawn(move || drop(input.write_all(sql.as_bytes())));
    let output = client.wait_with_output().map_err(|e| e.to_string())?;
    writer.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

fn is_running(folder: &Path) -> bool {
    execute(folder, "SELECT 1").is_ok()
}

/// Starts the server, makes its data folder first if there is none, and gives its port.
fn start(folder: &Path, user: &str) -> String {
    let data = folder.join("data");
    let data_arguments = [format!("--user={user}"), format!("--datadir={}", data.display())];
    let is_new = !data.join("ready").exists();
    if is_new {
        drop(fs::remove_dir_all(&data));
        let mut install = program("/usr/bin/mariadb-install-db");
        install.args(&data_arguments).args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.args(["--skip-name-resolve", "--innodb-log-file-size=16M"]);
        assert!(install.status().unwrap().success(), "mariadb-install-db failed");
        make_certificate(&data);
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut server = program("/usr/sbin/mariadbd");
    server.args(&data_arguments).arg(format!("--port={port}"));
    for (key, file) in [("socket", "socket"), ("pid-file", "pid"), ("log-error", "log")] {
        server.arg(format!("--{key}={}", folder.join(file).display()));
    }
    server.args([
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--max-allowed-packet=1G",
    ]);
    server.args([
        "--innodb-log-file-size=16M",
        "--innodb-buffer-pool-size=64M",
        "--innodb-flush-method=nosync",
    ]);
    server.args(["--innodb-flush-log-at-trx-commit=0", "--max-connections=100"]);
    if data.join("server.crt").exists() {
        server.arg(format!("--ssl-cert={}", data.join("server.crt").display()));
        server.arg(format!("--ssl-key={}", data.join("server.key").display()));
    }
    let mut server = server.spawn().unwrap();
    wait(&mut server, folder);
    if is_new {
        let sql =
            format!("CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO {USER}@'%'");
        execute(folder, &sql).unwrap();
        fs::write(data.join("ready"), "").unwrap();
    }
    fs::write(folder.join("port"), &port).unwrap();
    port
}

fn wait(server: &mut Child, folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_running(folder) {
        assert!(server.try_wait().unwrap().is_none(), "mariadbd ended, see {}", folder.join("log").display());
        assert!(Instant::now() < deadline, "mariadbd does not answer, see {}", folder.join("log").display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A certificate for the address of the server, signed by itself; none where there is no openssl.
fn make_certificate(data: &Path) {
    let mut openssl = Command::new("/usr/bin/openssl");
    openssl.args(["req", "-new", "-x509", "-days", "3650", "-nodes", "-newkey", "rsa:2048"]);
    openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    // A server's own certificate is no authority, and rustls looks at that.
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-out").arg(data.join("server.crt")).arg("-keyout").arg(data.join("server.key"));
    drop(openssl.stdout(Stdio::null()).stderr(Stdio::null()).status());
}
