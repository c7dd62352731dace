//! Loads of SQL tables that are killed at any moment by SIGKILL, or whose server closes all connections: in the end the
//! destination equals the source.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::server::Server;
use crate::sql_backfill::{BY_CREATED, FAMILIES, family};

/// Moments at which a load is killed, as parts of the time that it takes: all twenty, or as many as a quick test bears.
fn moments() -> impl Iterator<Item = f64> {
    let all = std::env::var_os("WINDLASS_PROPERTY_FACTOR").is_some();
    (0..20).filter(move |moment| all || moment % 7 == 3).map(|moment| f64::from(moment) / 20.0)
}

fn spawn(project: &Project, arguments: &[&str]) -> Child {
    let mut command = project.command(arguments);
    command.env("EXTRACT__CHECKPOINT_SECONDS", "0");
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills a command at each moment of a new project, runs it again, and checks what is loaded.
fn check(make: impl Fn() -> Project, arguments: &[&str], question: &str, answer: &str) {
    let project = make();
    let begun = Instant::now();
    assert!(spawn(&project, arguments).wait().unwrap().success());
    let whole = begun.elapsed();
    assert_eq!(project.one(question), answer);
    for moment in moments() {
        let project = make();
        let mut child = spawn(&project, arguments);
        std::thread::sleep(whole.mul_f64(moment));
        child.kill().unwrap();
        child.wait().unwrap();
        let done = project.windlass(arguments);
        assert_eq!(done.code, 0, "killed at {moment}: {}", done.stderr);
        assert_eq!(project.one(question), answer, "killed at {moment}");
    }
}

#[test]
fn a_backfill_killed_at_any_moment() {
    check(
        || family(FAMILIES, BY_CREATED),
        &["backfill", "p.yaml", "--chunk", "700", "--until-done"],
        "SELECT count(*) || ' ' || count(DISTINCT rfam_id) || ' ' || count(DISTINCT created) FROM family",
        "4178 4178 597",
    );
}

/// A table of a server that goes away with this.
struct Orders {
    server: Server,
    name: String,
}

const ROWS: u64 = 60_000;

impl Orders {
    /// `None` if this machine has no server. `key` is what makes the table's primary key, if it has one.
    fn new(name: &str, key: &str) -> Option<Self> {
        let server = Server::shared()?;
        let name = format!("orders_{name}_{}", std::process::id());
        let orders = Self { server, name };
        orders.execute(&format!(
            "CREATE TABLE {0} AS SELECT i::bigint AS id, i % 100 AS customer, CASE WHEN i % 50 = 0 THEN NULL ELSE i % 700 END AS \
             shop, 'order ' || i AS title FROM generate_series(1, {ROWS}) AS t(i); {1}; ANALYZE {0}",
            orders.name,
            key.replace("TABLE", &format!("TABLE {}", orders.name)),
        ));
        Some(orders)
    }

    fn execute(&self, sql: &str) -> u64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.server.url, tokio_postgres::NoTls).await.unwrap();
            let driver = tokio::spawn(connection);
            let messages = client.simple_query(sql).await.unwrap();
            driver.abort();
            messages
                .iter()
                .filter(|message| matches!(message, tokio_postgres::SimpleQueryMessage::Row(_)))
                .count() as u64
        })
    }

    /// Replaces, since the run after one that was killed behind its commit is a load of its own.
    fn project(&self, options: &str) -> Project {
        let project = Project::new();
        project.write(
            "p.yaml",
            format!(
                "pipeline: p\ndataset: d\ndestination: {{type: duckdb, credentials: out.duckdb}}\nsource:\n  type: sql_database\n  \
                 credentials: \"{}\"\n  tables:\n    - {{name: orders, table: {}, write_disposition: replace, chunk_size: 1000, {options}}}\n",
                self.server.url, self.name
            ),
        );
        project
    }

    fn answer() -> String {
        format!("{ROWS} {ROWS} {}", ROWS * (ROWS + 1) / 2)
    }
}

const QUESTION: &str =
    "SELECT count(*) || ' ' || count(DISTINCT title) || ' ' || sum(id)::BIGINT FROM orders";

impl Drop for Orders {
    fn drop(&mut self) {
        self.execute(&format!("DROP TABLE {}", self.name));
    }
}

#[test]
fn pieces_by_key_killed_at_any_moment() {
    let Some(orders) = Orders::new("key", "ALTER TABLE ADD PRIMARY KEY (id)") else { return };
    check(|| orders.project("partitions: 2"), &["run", "p.yaml"], QUESTION, &Orders::answer());
}

#[test]
fn pieces_that_cannot_go_on_in_their_midst_killed_at_any_moment() {
    let Some(orders) = Orders::new("column", "") else { return };
    check(
        || orders.project("partitions: 3, partition_on: shop"),
        &["run", "p.yaml"],
        QUESTION,
        &Orders::answer(),
    );
}

#[test]
fn pieces_by_place_killed_at_any_moment() {
    let Some(orders) = Orders::new("place", "") else { return };
    check(|| orders.project("partitions: 2"), &["run", "p.yaml"], QUESTION, &Orders::answer());
}

#[test]
fn all_connections_closed_by_the_server() {
    let Some(orders) = Orders::new("closed", "ALTER TABLE ADD PRIMARY KEY (id)") else { return };
    // Reading takes its time, so that there is something to break off.
    let slow = "partitions: 2, select: {slow: \"CASE WHEN id % 500 = 0 THEN pg_sleep(0.02)::text END\"}";
    let project = orders.project(slow);
    let mut child = spawn(&project, &["run", "p.yaml"]);
    let reading = format!(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%{}%' AND state = 'active'",
        orders.name
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    while orders.execute(&reading) < 2 {
        assert!(
            Instant::now() < deadline && child.try_wait().unwrap().is_none(),
            "two readers were never seen"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let closed = orders.execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'COPY%{}%'",
        orders.name
    ));
    assert_eq!(closed, 2);
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{stderr}");
    assert!(stderr.contains("goes on"), "what happened is said: {stderr}");
    assert_eq!(project.one(QUESTION), Orders::answer());
}
