#!/bin/sh
# Copies a SQLite file to DuckDB and compares both sides.
set -eu
. "$(dirname "$0")/../servers.sh"
begin

sqlite() {
  python3 -c 'import sqlite3, sys
with sqlite3.connect("library.db") as connection:
    for sql in sys.argv[1].split(";"):
        for row in connection.execute(sql):
            print(*row)' "$1"
}

sqlite "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE books (isbn TEXT PRIMARY KEY, author INTEGER REFERENCES authors (id), title TEXT, price DECIMAL(8, 2), cover BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO authors SELECT i, 'Author ' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
INSERT INTO books SELECT printf('978%07d', i), 1 + i % 300, 'Book ' || i, i % 50 + 0.25, x'00ff' FROM n"

compare() {
  for sql in 'SELECT count(*) FROM books' 'SELECT CAST(sum(price) AS INTEGER) FROM books' \
    'SELECT count(*) FROM books b JOIN authors a ON a.id = b.author' 'SELECT max(name) FROM authors'; do
    check "$sql" "$(value library.yaml "$sql")" "$(sqlite "$sql")"
  done
}

"$WINDLASS" run library.yaml
compare
sqlite "DELETE FROM books WHERE author > 150"
"$WINDLASS" run library.yaml
compare
