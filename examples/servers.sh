# Servers for the examples, sourced by their run.sh: in a temporary folder, on free ports, stopped at the end.
#
# After `begin`, the current folder is a temporary one with copies of the example's files.

# Starts in a temporary folder; everything is stopped and removed when the script ends. KEEP=1 keeps the folder.
begin() {
  here=$(cd "$(dirname "$0")" && pwd)
  work=$(mktemp -d "${TMPDIR:-/tmp}/windlass-example.XXXXXX")
  trap finish EXIT
  trap 'exit 1' INT TERM HUP
  chmod 755 "$work"
  cp "$here"/* "$work"
  cd "$work"
  WINDLASS=${WINDLASS:-windlass}
  export WINDLASS_DATA_DIR="$work/pipelines"
}

finish() {
  code=$?
  [ -z "${mariadb_folder:-}" ] || mariadb_client -e SHUTDOWN 2>/dev/null || kill "$mariadb_pid" 2>/dev/null || true
  [ -z "${mariadb_pid:-}" ] || wait "$mariadb_pid" 2>/dev/null || true
  [ -z "${postgres_data:-}" ] || as_postgres "$postgres_bin/pg_ctl" -D "$postgres_data" -m immediate stop >/dev/null 2>&1 || true
  cd /
  if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
  exit "$code"
}

fail() {
  echo "error: $*" >&2
  exit 1
}

# check WHAT FOUND EXPECTED
check() {
  [ "$2" = "$3" ] || fail "$1: $2 instead of $3"
  echo "$1: $2"
}

# The only value of a query of a pipeline's dataset.
value() {
  "$WINDLASS" query "$1" "$2" --format csv | tail -n +2
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A MariaDB with an empty database `example`; sets MYSQL_URL.
start_mariadb() {
  command -v mariadbd >/dev/null || PATH="$PATH:/usr/sbin"
  command -v mariadbd >/dev/null || fail "there is no MariaDB; apt-get install mariadb-server-core mariadb-client-core"
  mariadb_folder="$work/mariadb"
  mkdir "$mariadb_folder"
  mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$mariadb_folder/data" \
    --auth-root-authentication-method=normal --skip-test-db --innodb-log-file-size=16M >"$mariadb_folder/install.log" 2>&1 ||
    fail "mariadb-install-db failed: $(tail -5 "$mariadb_folder/install.log")"
  port=$(free_port)
  mariadbd --no-defaults --user="$(id -un)" --datadir="$mariadb_folder/data" --socket="$mariadb_folder/socket" \
    --pid-file="$mariadb_folder/pid" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve \
    --innodb-log-file-size=16M --log-error="$mariadb_folder/log" >/dev/null 2>&1 &
  mariadb_pid=$!
  tries=0
  until mariadb_client -e 'SELECT 1' >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "MariaDB does not start: $(tail -5 "$mariadb_folder/log")"
    sleep 0.1
  done
  mariadb_client -e "CREATE DATABASE example CHARACTER SET utf8mb4;
    CREATE USER loader@'%' IDENTIFIED BY 'pa:ss@word'; GRANT SELECT ON example.* TO loader@'%'"
  export MYSQL_URL="mysql+pymysql://loader:pa%3Ass%40word@127.0.0.1:$port/example"
}

mariadb_client() {
  mariadb --no-defaults --socket="$mariadb_folder/socket" --user=root --default-character-set=utf8mb4 "$@"
}

# Postgres refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi
}

# A Postgres with an empty database `postgres`; sets POSTGRES_URL.
start_postgres() {
  postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
  [ -n "$postgres_bin" ] || fail "there is no PostgreSQL; apt-get install postgresql"
  mkdir "$work/postgres"
  printf 'pa:ss@word' >"$work/postgres/password"
  [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$work/postgres"
  as_postgres "$postgres_bin/initdb" -N -E UTF8 --auth=scram-sha-256 -U loader -D "$work/postgres/data" \
    --pwfile="$work/postgres/password" >/dev/null || fail "initdb failed"
  postgres_data="$work/postgres/data"
  port=$(free_port)
  as_postgres "$postgres_bin/pg_ctl" -w -D "$postgres_data" -l "$postgres_data/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" start >/dev/null ||
    fail "Postgres does not start: $(tail -5 "$postgres_data/log")"
  export POSTGRES_URL="postgresql://loader:pa%3Ass%40word@127.0.0.1:$port/postgres"
  export PGPASSWORD='pa:ss@word' PGHOST=127.0.0.1 PGPORT="$port" PGUSER=loader PGDATABASE=postgres
}
