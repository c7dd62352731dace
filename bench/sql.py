"""Tables of SQL servers of this machine to Parquet and DuckDB, beside connectorx and dlt."""
import json, os, pathlib, shutil, socket, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "interop"))

from server import Server

PACKAGES = ["connectorx==0.4.6", "sqlalchemy", "psycopg2-binary", "pymysql"]
ROWS = int(os.environ.get("BENCH_SQL_ROWS", 5_000_000))
MYSQL_ROWS = ROWS // 5
# What dlt can bear within minutes; its time grows with the rows.
DLT_ROWS = ROWS // 10
CONNECTIONS = 2
MEMORY = 300 << 20

POSTGRES = """
CREATE TABLE {name} AS SELECT i::bigint AS id, (i % 1000)::int AS customer, (i % 17)::smallint AS status,
    ((i::bigint * 7919 % 100000) / 100.0)::numeric(12,2) AS amount, i / 7.0::float8 AS price, i % 3 = 0 AS is_paid,
    'order number ' || i AS title, 'city ' || (i % 500) AS city, md5(i::text)::uuid AS token,
    timestamptz '2025-01-01 00:00:00+00' + i * interval '1 second' AS created_at,
    timestamp '2025-06-01' + i * interval '1 second' AS updated_at, date '2020-01-01' + (i % 2000) AS due
    FROM generate_series(1, {rows}) AS t(i);
ALTER TABLE {name} ADD PRIMARY KEY (id);
VACUUM (ANALYZE, FREEZE) {name};
"""

MYSQL = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer int, status smallint, amount decimal(12,2), price double, is_paid bool,
    title varchar(40), city varchar(40), token char(36), created_at timestamp(6) NULL, updated_at datetime(6), due date);
INSERT INTO orders SELECT seq, seq % 1000, seq % 17, (seq * 7919 % 100000) / 100.0, seq / 7.0e0, seq % 3 = 0,
    concat('order number ', seq), concat('city ', seq % 500), insert(insert(insert(insert(md5(seq), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-'),
    timestamp '2025-01-01 00:00:00' + interval seq second, timestamp '2025-06-01 00:00:00' + interval seq second, date '2020-01-01' + interval seq % 2000 day
    FROM seq_1_to_{rows};
ANALYZE TABLE orders;
"""

CONNECTORX = """
import sys, time
url, kind, folder, connections = sys.argv[1:]
import connectorx
started = time.perf_counter()
read = connectorx.read_sql(url, "SELECT * FROM orders", return_type="arrow", partition_on="id", partition_num=int(connections))
if kind == "parquet":
    import pyarrow.parquet
    pyarrow.parquet.write_table(read, folder + "/orders.parquet")
else:
    import duckdb
    connection = duckdb.connect(folder + "/orders.duckdb")
    connection.execute("CREATE TABLE orders AS SELECT * FROM read")
    connection.close()
seconds = time.perf_counter() - started

print(read.num_rows, seconds)
"""

DLT = """
import os, sys, time
url, kind, folder, backend, table = sys.argv[1:]
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", NORMALIZE__WORKERS="2", DATA_WRITER__DISABLE_COMPRESSION="true",
    DATA_WRITER__FILE_MAX_ITEMS="250000", DATA_WRITER__ARROW_CONCAT_PROMOTE_OPTIONS="default", DLT_DATA_DIR=folder + "/dlt")
import dlt
from dlt.sources.sql_database import sql_table
if __name__ == "__main__":
    started = time.perf_counter()
    place = dlt.destinations.duckdb(folder + "/dlt.duckdb") if kind == "duckdb" else dlt.destinations.filesystem(folder + "/out")
    pipeline = dlt.pipeline("bench", destination=place, dataset_name="data")
    kwargs = {"return_type": "arrow_stream"} if backend == "connectorx" else None
    resource = sql_table(credentials=url, table=table, backend=backend, backend_kwargs=kwargs, reflection_level="full_with_precision")
    pipeline.run(resource, loader_file_format="parquet")
    seconds = time.perf_counter() - started
    print(pipeline.last_trace.last_normalize_info.row_counts[table], seconds)
"""


class PostgresServer(Server):
    """A server that has the table in its memory."""

    def settings(self):
        return {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "1h", "maintenance_work_mem": "512MB"}

    def make(self):
        for name, rows in (("orders", ROWS), ("orders_tenth", DLT_ROWS)):
            for statement in POSTGRES.format(name=name, rows=rows).split(";\n"):
                if statement.strip():
                    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", self.url, "-c", statement], check=True)


class MySqlServer:
    """A private MariaDB that stops at the end of `with`; `url` is None where there is none."""

    def __init__(self):
        self.url = None

    def __enter__(self):
        self.program = next((path for path in map(shutil.which, ("mariadbd", "mysqld")) if path), None)
        install = shutil.which("mariadb-install-db")
        if not (self.program and install):
            return self
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="windlass-bench-mariadb-"))
        # The server refuses to run as root unless told whom to be.
        user = ["--user=nobody"] if os.getuid() == 0 else []
        if user:
            shutil.chown(self.folder, "nobody")
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([install, *user, f"--datadir={self.folder}/data", "--auth-root-authentication-method=normal"], **quiet)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [self.program, "--no-defaults", *user, f"--datadir={self.folder}/data", f"--port={port}", "--bind-address=127.0.0.1",
             f"--socket={self.folder}/socket", "--innodb-buffer-pool-size=512M", "--innodb-flush-log-at-trx-commit=0",
             "--character-set-server=utf8mb4"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = ["mariadb", "--no-defaults", f"--socket={self.folder}/socket", "-uroot"]
        for _ in range(100):
            if not subprocess.run([*self.client, "-e", "SELECT 1"], capture_output=True).returncode:
                break
            time.sleep(0.1)
        self.sql("CREATE DATABASE bench; CREATE USER bench@'127.0.0.1' IDENTIFIED BY 'bench'; GRANT ALL ON bench.* TO bench@'127.0.0.1'")
        self.url = f"mysql+pymysql://bench:bench@127.0.0.1:{port}/bench"
        return self

    def sql(self, text, *arguments):
        subprocess.run([*self.client, *arguments, "-e", text], check=True, stdout=subprocess.DEVNULL)

    def make(self):
        self.sql(MYSQL.format(rows=MYSQL_ROWS), "bench")

    def __exit__(self, *_):
        if self.url:
            self.process.terminate()
            self.process.wait()
            shutil.rmtree(self.folder)


def measured(command, environment, report):
    """Seconds and bytes of memory at the peak of a whole process that writes its report to a file."""
    started = time.perf_counter()
    with open(report, "w") as out, open(f"{report}.err", "w") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"a side failed: {pathlib.Path(report).read_text()}{pathlib.Path(f'{report}.err').read_text()}")
    return seconds, usage.ru_maxrss * 1024


def windlass(fresh, binary, url, kind, partitions, rows):
    work = fresh()
    destination = {"duckdb": {"type": "duckdb", "credentials": str(work / "windlass.duckdb")},
                   "parquet": {"type": "filesystem", "bucket_url": str(work / "out"), "loader_file_format": "parquet"}}[kind]
    source = {"type": "sql_database", "credentials": url, "tables": [{"name": "orders", "partitions": partitions}]}
    file = work / "bench.yaml"
    file.write_text(json.dumps({"pipeline": "bench", "dataset": "data", "destination": destination, "source": source}))
    environment = {**os.environ, "WINDLASS_DATA_DIR": str(work / "data")}
    seconds, memory = measured([binary, "run", file, "--json"], environment, work / "report.json")
    report = json.loads((work / "report.json").read_text())
    read = report["packages"][0]["rows"]["orders"]
    assert read == rows, f"{read} rows instead of {rows}"
    return seconds, memory, report["packages"][0]["extract_seconds"]


def script(fresh, python, text, rows, *arguments):
    """Seconds, without the start of Python, and bytes of memory."""
    work = fresh()
    (work / "script.py").write_text(text)
    arguments = [str(work) if argument == "FOLDER" else str(argument) for argument in arguments]
    _, memory = measured([python, work / "script.py", *arguments], dict(os.environ), work / "out.txt")
    read, seconds = (work / "out.txt").read_text().split()[-2:]
    assert int(read) == rows, f"{read} rows instead of {rows}"
    return float(seconds), memory


def at_least(table, work, ours, theirs, what, target, factor=1):
    ratio = theirs * factor / ours
    shown = f"{what} {theirs:.2f} s" + (f" for {DLT_ROWS:,} rows" if factor != 1 else "")
    table.add(work, f"{ours:.2f} s", shown, f"{ratio:.1f}x", f">= {target}x", ratio >= target)


def bench_postgres(table, rounds, fresh, binary, python):
    with PostgresServer() as server:
        if not server.url:
            return table.add("Postgres to Parquet", "", "no server on this machine", "", "", True)
        server.make()
        for kind, name in (("parquet", "Parquet"), ("duckdb", "DuckDB")):
            sides = {key: [] for key in ("windlass", "one", "connectorx", "dlt connectorx", "dlt pyarrow")}
            peaks, extracts = [], {"windlass": [], "one": []}
            for _ in range(rounds):
                for key, partitions in (("windlass", CONNECTIONS), ("one", 1)):
                    seconds, memory, extract = windlass(fresh, binary, server.url, kind, partitions, ROWS)
                    sides[key].append(seconds)
                    extracts[key].append(extract)
                    peaks.append(memory)
                sides["connectorx"].append(script(fresh, python, CONNECTORX, ROWS, server.url, kind, "FOLDER", CONNECTIONS)[0])
                for backend in ("connectorx", "pyarrow"):
                    url = server.url.replace("://", "+psycopg2://")
                    arguments = (url, kind, "FOLDER", backend, "orders_tenth")
                    sides[f"dlt {backend}"].append(script(fresh, python, DLT, DLT_ROWS, *arguments)[0])
            middle = {key: statistics.median(seconds) for key, seconds in sides.items()}
            work = f"{ROWS:,} rows of Postgres to {name}, {CONNECTIONS} connections"
            at_least(table, work, middle["windlass"], middle["connectorx"], "connectorx", 1.5)
            for backend in ("connectorx", "pyarrow"):
                at_least(table, work, middle["windlass"], middle[f"dlt {backend}"], f"dlt with {backend}", 5, ROWS / DLT_ROWS)
            peak = statistics.median(peaks)
            table.add(f"peak memory of it, {name}", f"{peak / 1e6:.0f} MB", "", "", "<= 300 MiB", peak <= MEMORY)
            one, two = (statistics.median(extracts[key]) for key in ("one", "windlass"))
            table.add(f"two partitions over one, to the sealed package, {name}", f"{two:.2f} s", f"one {one:.2f} s", f"{one / two:.2f}x",
                      ">= 1.6x", one / two >= 1.6)


def bench_mysql(table, rounds, fresh, binary, python):
    with MySqlServer() as server:
        if not server.url:
            return table.add("MariaDB to Parquet", "", "no server on this machine", "", "", True)
        server.make()
        ours, dlt = [], []
        for _ in range(rounds):
            ours.append(windlass(fresh, binary, server.url, "parquet", CONNECTIONS, MYSQL_ROWS)[0])
            dlt.append(script(fresh, python, DLT, MYSQL_ROWS, server.url, "parquet", "FOLDER", "pyarrow", "orders")[0])
        at_least(table, f"{MYSQL_ROWS:,} rows of MariaDB to Parquet, {CONNECTIONS} connections", statistics.median(ours),
                 statistics.median(dlt), "dlt with pyarrow", 3)


BENCHES = {"sql-postgres": bench_postgres, "sql-mysql": bench_mysql}
