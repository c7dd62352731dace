"""Merges and appends of whole tables, beside the best SQL that one would write by hand for the same rows."""
import json, os, pathlib, shutil, statistics, subprocess, sys, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "interop"))

from server import Server

ROWS = int(os.environ.get("BENCH_ROWS", 5_000_000))
UPDATES = ROWS // 5
# What dlt can bear within minutes.
DLT_ROWS = ROWS // 10

COLUMNS = """i AS id, {version} AS version, i % 1000 AS customer, (i * 7919) % 100000 AS amount, i / 7.0 AS price,
    i % 3 = 0 AS is_paid, 'order number ' || i AS title, 'city ' || (i % 500) AS city, md5(i::TEXT) AS digest,
    TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_seconds(i) AS created_at,
    TIMESTAMPTZ '2025-06-01 00:00:00+00' + to_seconds(i + {version}) AS updated_at, i % 17 AS status"""

PREPARE = """
import sys, duckdb
folder, rows, columns = sys.argv[1:4]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
for name, version, step in (("base", 1, 1), ("updates", 2, 5)):
    connection.execute(f"COPY (SELECT {columns.format(version=version)} FROM range(0, {rows}, {step}) AS t(i)) "
                       f"TO '{folder}/{name}.parquet' (FORMAT parquet)")
"""

# The rows are those of the job files of the load, so that both sides write the same.
HAND_DUCKDB = """
import sys, time, duckdb
database, files, way, threads = sys.argv[1:]
connection = duckdb.connect(database, config={"threads": int(threads), "preserve_insertion_order": False})
started = time.perf_counter()
connection.execute("BEGIN")
connection.execute(f"CREATE TEMP TABLE staged AS SELECT * FROM read_parquet('{files}')")
if way == "delete":
    connection.execute("DELETE FROM data.orders WHERE id IN (SELECT id FROM staged)")
    connection.execute("INSERT INTO data.orders BY NAME SELECT * FROM staged")
else:
    names = [name for name, *_ in connection.execute("DESCRIBE staged").fetchall() if name != "id"]
    connection.execute("UPDATE data.orders SET " + ", ".join(f'"{n}" = s."{n}"' for n in names)
                       + " FROM staged AS s WHERE orders.id = s.id")
connection.execute("COMMIT")
seconds = time.perf_counter() - started
assert connection.execute("SELECT count(*), count(DISTINCT id) FROM data.orders").fetchone()[0] == int(
    connection.execute("SELECT max(id) + 1 FROM data.orders").fetchone()[0])
print(seconds)
"""

TO_CSV = """
import sys, duckdb
files, csv = sys.argv[1:]
connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
connection.execute(f"COPY (SELECT * FROM read_parquet('{files}')) TO '{csv}' (FORMAT csv, HEADER true)")
print(",".join(name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{files}')").fetchall()))
"""

DLT = """
import os, sys, time
folder, kind, place, disposition = sys.argv[1:]
os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", DATA_WRITER__FILE_MAX_ITEMS="250000", LOAD__WORKERS="2")
import dlt, pyarrow.parquet
def rows(name):
    for batch in pyarrow.parquet.ParquetFile(f"{folder}/{name}.parquet").iter_batches(50_000):
        yield pyarrow.Table.from_batches([batch])
if __name__ == "__main__":
    destination = dlt.destinations.duckdb(place) if kind == "duckdb" else dlt.destinations.postgres(place)
    pipeline = dlt.pipeline("bench_dlt", destination=destination, dataset_name="dlt_data", pipelines_dir=folder + "/dlt")
    file_format = "parquet" if kind == "duckdb" else "csv"
    for name in ("base", "updates") if disposition == "merge" else ("base",):
        pipeline.extract(dlt.resource(rows, name="orders", write_disposition=disposition, primary_key="id")(name),
                         loader_file_format=file_format)
        pipeline.normalize()
        started = time.perf_counter()
        pipeline.load()
        seconds = time.perf_counter() - started
    print(seconds)
"""


class OrdersServer(Server):
    """A server with the memory that one would give it for this."""

    def settings(self):
        return {"shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "1h", "work_mem": "256MB",
                "maintenance_work_mem": "512MB", "synchronous_commit": "off"}

    def psql(self, *commands):
        """Runs commands in one session; gives its seconds and what it printed."""
        arguments = [argument for command in commands for argument in ("-c", command)]
        started = time.perf_counter()
        out = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url, *arguments], check=True,
                             capture_output=True, text=True)
        return time.perf_counter() - started, out.stdout.strip()


class Orders:
    """The rows, and runs of windlass, of SQL and of dlt over them."""

    def __init__(self, work, windlass, python, rows):
        self.work, self.windlass, self.python = work, windlass, python
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        self.script(PREPARE, work, rows, COLUMNS)

    def script(self, text, *arguments):
        file = self.work / "script.py"
        file.write_text(text)
        out = subprocess.run([self.python, file, *map(str, arguments)], capture_output=True, text=True)
        if out.returncode:
            sys.exit(f"a script failed: {out.stderr}")
        return out.stdout.split()[-1] if out.stdout else ""

    def run(self, name, destination, disposition):
        """Loads the rows of one file; gives the seconds of the load and the pattern of its job files."""
        resource = {"name": "orders", "file_glob": f"{name}.parquet", "format": "parquet", "write_disposition": disposition,
                    "primary_key": "id"}
        description = {
            "pipeline": "orders", "dataset": "data", "destination": destination, "load": {"delete_completed_jobs": False},
            "source": {"type": "filesystem", "bucket_url": str(self.work), "resources": [resource]},
        }
        file = self.work / "orders.yaml"
        file.write_text(json.dumps(description))
        environment = {**os.environ, "WINDLASS_DATA_DIR": str(self.work / "data")}
        run = subprocess.run([self.windlass, "run", file, "--json"], env=environment, capture_output=True, text=True)
        if run.returncode:
            sys.exit(f"windlass failed: {run.stdout}{run.stderr}")
        package = json.loads(run.stdout)["packages"][-1]
        jobs = self.work / "data/pipelines/orders/packages" / package["load_id"] / "jobs"
        return package["load_seconds"], f"{jobs}/orders/*"


def result(table, work, ours, theirs, what, limit):
    ratio = ours / theirs
    table.add(work, f"{ours:.2f} s", f"{what} {theirs:.2f} s", f"{ratio:.2f}", f"<= {limit:.2f}", ratio <= limit)


def beside(table, work, ours, dlt):
    table.add(f"{work}, {DLT_ROWS:,} rows", f"{ours:.2f} s", f"dlt {dlt:.2f} s", f"{dlt / ours:.1f}x", "measured", True)


def merge_duckdb(table, rounds, work, windlass, python):
    def side(rows, rounds):
        times = {"windlass": [], "delete": [], "update": []}
        orders = Orders(work, windlass, python, rows)
        database, base = work / "orders.duckdb", work / "base.duckdb"
        destination = {"type": "duckdb", "credentials": str(database)}
        orders.run("base", destination, "merge")
        shutil.copy(database, base)
        shutil.copytree(work / "data", work / "data-base")
        for _ in range(rounds):
            shutil.copy(base, database)
            shutil.rmtree(work / "data")
            shutil.copytree(work / "data-base", work / "data")
            seconds, files = orders.run("updates", destination, "merge")
            times["windlass"].append(seconds)
            for way in ("delete", "update"):
                shutil.copy(base, work / "hand.duckdb")
                times[way].append(float(orders.script(HAND_DUCKDB, work / "hand.duckdb", files, way, os.cpu_count())))
        return orders, {name: statistics.median(values) for name, values in times.items()}

    _, times = side(ROWS, rounds)
    hand = min(times["delete"], times["update"])
    result(table, f"merge {UPDATES:,} updates into {ROWS:,} rows of DuckDB", times["windlass"], hand, "best SQL", 1.3)
    orders, times = side(DLT_ROWS, 1)
    dlt = float(orders.script(DLT, work, "duckdb", work / "dlt.duckdb", "merge"))
    beside(table, "the same merge", times["windlass"], dlt)


def hand_postgres(server, orders, files, way):
    """Seconds of the best SQL over the rows of these job files, on a copy of the table before the load."""
    csv = orders.work / "staged.csv"
    names = orders.script(TO_CSV, files, csv)
    others = [name for name in names.split(",") if name != "id"]
    server.psql("DROP TABLE IF EXISTS hand", "CREATE TABLE hand (LIKE data_base.orders INCLUDING ALL)",
                "INSERT INTO hand SELECT * FROM data_base.orders", "VACUUM ANALYZE hand", "CHECKPOINT")
    merge = ["DELETE FROM hand WHERE id IN (SELECT id FROM staged)", f"INSERT INTO hand ({names}) SELECT {names} FROM staged"]
    if way == "update":
        merge = [f"UPDATE hand SET {', '.join(f'{name} = s.{name}' for name in others)} FROM staged AS s WHERE hand.id = s.id"]
    return server.psql("BEGIN", "CREATE TEMP TABLE staged (LIKE hand) ON COMMIT DROP",
                       f"\\copy staged ({names}) FROM '{csv}' (FORMAT csv, HEADER true)", "ANALYZE staged", *merge, "COMMIT")[0]


def merge_postgres(table, rounds, work, windlass, python):
    with OrdersServer() as server:
        def side(rows, rounds):
            times = {"windlass": [], "delete": [], "update": []}
            for _ in range(rounds):
                server.psql("DROP SCHEMA IF EXISTS data CASCADE", "DROP SCHEMA IF EXISTS data_staging CASCADE",
                            "DROP SCHEMA IF EXISTS data_base CASCADE")
                orders = Orders(work, windlass, python, rows)
                destination = {"type": "postgres", "credentials": server.url}
                orders.run("base", destination, "merge")
                server.psql("CREATE SCHEMA data_base", "CREATE TABLE data_base.orders (LIKE data.orders INCLUDING ALL)",
                            "INSERT INTO data_base.orders SELECT * FROM data.orders", "VACUUM ANALYZE data.orders", "CHECKPOINT")
                seconds, files = orders.run("updates", destination, "merge")
                times["windlass"].append(seconds)
                for way in ("delete", "update"):
                    times[way].append(hand_postgres(server, orders, files, way))
            return orders, {name: statistics.median(values) for name, values in times.items()}

        _, times = side(ROWS, min(rounds, 3))
        hand = min(times["delete"], times["update"])
        result(table, f"merge {UPDATES:,} updates into {ROWS:,} rows of Postgres", times["windlass"], hand, "best SQL", 1.3)
        orders, times = side(DLT_ROWS, 1)
        dlt = float(orders.script(DLT, work, "postgres", server.url, "merge"))
        beside(table, "the same merge", times["windlass"], dlt)


def copy_postgres(table, rounds, work, windlass, python):
    with OrdersServer() as server:
        def side(rows, rounds):
            ours, theirs = [], []
            for _ in range(rounds):
                server.psql("DROP SCHEMA IF EXISTS data CASCADE", "CHECKPOINT")
                orders = Orders(work, windlass, python, rows)
                seconds, files = orders.run("base", {"type": "postgres", "credentials": server.url}, "append")
                ours.append(seconds)
                csv = work / "rows.csv"
                names = orders.script(TO_CSV, files, csv)
                server.psql("CREATE TABLE data.hand (LIKE data.orders INCLUDING ALL)", "CHECKPOINT")
                theirs.append(server.psql(f"\\copy data.hand ({names}) FROM '{csv}' (FORMAT csv, HEADER true)")[0])
            return orders, statistics.median(ours), statistics.median(theirs)

        _, ours, theirs = side(ROWS, min(rounds, 3))
        # 0.8 of its speed is 1.25 of its time.
        result(table, f"append {ROWS:,} rows x 12 columns to Postgres", ours, theirs, "psql \\copy", 1 / 0.8)
        orders, ours, _ = side(DLT_ROWS, 1)
        dlt = float(orders.script(DLT, work, "postgres", server.url, "append"))
        beside(table, "the same append", ours, dlt)


MERGE_BENCHES = {"merge-duckdb": merge_duckdb, "merge-postgres": merge_postgres, "copy-postgres": copy_postgres}
