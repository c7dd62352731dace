//! Rows that become visible after others with a later cursor: lost by a plain cursor, kept by `guard: snapshot` and by a
//! `lag`.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

use crate::project::Project;
use crate::server::Server;

/// A table of a server, and two who write to it.
struct Events {
    runtime: tokio::runtime::Runtime,
    slow: Client,
    quick: Client,
    name: String,
    project: Project,
    /// Stops when nobody uses it any more.
    _server: Server,
}

impl Events {
    /// `None` if this machine has no server.
    fn new(name: &str, options: &str) -> Option<Self> {
        let server = Server::shared()?;
        let name = format!("events_{name}_{}", std::process::id());
        let project = Project::new();
        project.write(
            "p.yaml",
            format!(
                "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
                 credentials: \"{}\"\n  tables:\n    - {{name: events, table: {name}, {options}}}\n",
                server.url
            ),
        );
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connect = || {
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(&server.url, NoTls).await.unwrap();
                tokio::spawn(connection);
                client
            })
        };
        let (slow, quick) = (connect(), connect());
        let events = Self { slow, quick, name, project, runtime, _server: server };
        let create = format!("CREATE TABLE {} (id int PRIMARY KEY, at int NOT NULL)", events.name);
        events.execute(&events.quick, &create);
        Some(events)
    }

    fn execute(&self, client: &Client, sql: &str) {
        self.runtime.block_on(client.batch_execute(sql)).unwrap();
    }

    fn insert(&self, client: &Client, id: i32, at: i32) {
        self.execute(client, &format!("INSERT INTO {} VALUES ({id}, {at})", self.name));
    }

    /// Runs the pipeline; the ids that are loaded.
    fn ids(&self) -> String {
        self.project.run(0);
        if !self.project.has_table("events") {
            return String::new();
        }
        self.project.query("SELECT id FROM events ORDER BY id").join(" ")
    }

    /// One transaction writes an early row and ends late: after another one has written later rows, and a run.
    fn late(&self) -> (String, String) {
        self.execute(&self.slow, "BEGIN");
        self.insert(&self.slow, 2, 20);
        self.insert(&self.quick, 3, 30);
        let between = self.ids();
        self.execute(&self.slow, "COMMIT");
        (between, self.ids())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let drop = format!("DROP TABLE {}", self.name);
        // A transaction that a failed check left open would be waited for.
        let dropped = self.runtime.block_on(async {
            self.slow.batch_execute("ROLLBACK").await?;
            self.quick.batch_execute(&drop).await
        });
        assert!(dropped.is_ok() || std::thread::panicking(), "{dropped:?}");
    }
}

#[test]
fn a_plain_cursor_loses_a_row_that_comes_late() {
    let Some(events) = Events::new("plain", "incremental: {cursor_path: at}") else { return };
    events.insert(&events.quick, 1, 10);
    assert_eq!(events.late(), ("1 3".to_owned(), "1 3".to_owned()));
}

#[test]
fn the_guard_waits_for_whoever_may_still_write_earlier_rows() {
    let Some(events) = Events::new("guard", "incremental: {cursor_path: at, guard: snapshot}") else {
        return;
    };
    events.insert(&events.quick, 1, 10);
    // Tests beside this one hold transactions of the same server open, which are waited for as well.
    let deadline = Instant::now() + Duration::from_secs(60);
    while events.ids() != "1" {
        assert!(Instant::now() < deadline, "the first row is never loaded");
    }
    let (between, mut after) = events.late();
    assert_eq!(between, "1", "the third row is held back");
    while after != "1 2 3" {
        assert!(Instant::now() < deadline, "{after} is all that is loaded");
        after = events.ids();
    }
}

#[test]
fn a_lag_reads_late_rows_again_and_merges_them() {
    let options = "primary_key: id, write_disposition: merge, incremental: {cursor_path: at, lag: 15}";
    let Some(events) = Events::new("lag", options) else { return };
    events.insert(&events.quick, 1, 10);
    assert_eq!(events.late(), ("1 3".to_owned(), "1 2 3".to_owned()));
}
