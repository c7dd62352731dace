#!/bin/sh
# Writes a Postgres table to Parquet files, adds rows, writes those, and compares both sides.
set -eu
. "$(dirname "$0")/../servers.sh"
begin
start_postgres
psql -q -v ON_ERROR_STOP=1 -f readings.sql

compare() {
  for sql in 'SELECT count(*) FROM readings' 'SELECT sum(celsius) FROM readings' 'SELECT count(DISTINCT station) FROM readings'; do
    check "$sql" "$(value readings.yaml "$sql")" "$(psql -Atc "$sql")"
  done
}

"$WINDLASS" run readings.yaml
compare
psql -qc "INSERT INTO readings SELECT id + 20000, station, taken + interval '20000 minutes', celsius, tags, raw FROM readings WHERE id <= 500"
"$WINDLASS" run readings.yaml
compare
check "files" "$(ls lake/weather/readings/*.parquet | wc -l | tr -d ' ')" 2
