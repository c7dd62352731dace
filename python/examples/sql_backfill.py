"""A table of MySQL, a thousand rows in each run: the next run goes on where the one before stopped.

Starts a MariaDB of its own; needs `mariadbd` and `mariadb-install-db` (Debian: mariadb-server) and `pymysql`.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time

import windlass as dlt
from windlass.sources.sql_database import sql_table

ROWS = 4178


@contextlib.contextmanager
def mariadb():
    """A server on a free port, with an empty database `rfam`; gives its URL."""
    for program in ("mariadbd", "mariadb-install-db"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is missing: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(prefix="windlass-mariadb-") as folder:
        # MariaDB refuses root; any user without a shell does.
        user = "nobody" if os.getuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        own = [f"--user={user}"] if user else []
        data = f"--datadir={folder}/data"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", data, "--auth-root-authentication-method=normal", *own],
            check=True,
            **quiet,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        place = [f"--socket={folder}/s.sock", f"--pid-file={folder}/pid", "--bind-address=127.0.0.1", f"--port={port}"]
        server = subprocess.Popen(
            ["mariadbd", "--no-defaults", data, *place, "--innodb-buffer-pool-size=32M", "--skip-log-bin", *own], **quiet
        )
        try:
            fill(f"{folder}/s.sock", server)
            yield f"mysql+pymysql://reader:p%40ss@127.0.0.1:{port}/rfam"
        finally:
            server.terminate()
            server.wait(60)


def fill(path, server):
    """Makes the table `family`, as Rfam has it, and its rows."""
    import pymysql

    for _ in range(300):
        try:
            connection = pymysql.connect(unix_socket=path, user="root")
            break
        except pymysql.err.OperationalError:
            if server.poll() is not None:
                raise SystemExit("the server ended: see why by running mariadbd by hand") from None
            time.sleep(0.1)
    else:
        raise SystemExit("the server did not start within 30 s")
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE rfam")
        cursor.execute("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'p@ss'")
        cursor.execute("GRANT SELECT ON rfam.* TO reader@'127.0.0.1'")
        cursor.execute(
            "CREATE TABLE rfam.family (rfam_acc VARCHAR(7) NOT NULL, rfam_id VARCHAR(40) NOT NULL, description VARCHAR(75), "
            "gathering_cutoff DOUBLE(5,2), num_seed BIGINT, created DATETIME NOT NULL, updated TIMESTAMP NULL, "
            "PRIMARY KEY (rfam_acc), KEY (rfam_id), KEY (created))"
        )
        cursor.executemany(
            "INSERT INTO rfam.family VALUES (%s, %s, %s, %s, %s, '2013-10-03' + INTERVAL %s MINUTE, NULL)",
            [(f"RF{n:05}", f"family-{n}", f"RNA number {n}", n % 100 + 0.5, n, n) for n in range(1, ROWS + 1)],
        )
        connection.commit()


def main():
    loaded = []
    with mariadb() as url:
        pipeline = dlt.pipeline(
            "sql_backfill", destination=dlt.destinations.duckdb("sql_backfill.duckdb"), dataset_name="rfam"
        )
        for _ in range(5):
            # The last row of a run is read again by the next one, and told by its key: 999 new rows each.
            family = sql_table(url, "family", chunk_size=1000, reflection_level="full_with_precision")
            family.apply_hints(
                primary_key="rfam_id", incremental=dlt.sources.incremental("created", row_order="asc")
            )
            family.add_limit(1)
            print(pipeline.run(family))
            loaded.append(len(pipeline.dataset().family.df()))
            print(loaded[-1], "rows")
    return loaded


if __name__ == "__main__":
    main()
