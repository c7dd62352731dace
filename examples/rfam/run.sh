#!/bin/sh
# Loads the table of families in five runs and checks what is there after each.
set -eu
. "$(dirname "$0")/../servers.sh"
begin
start_mariadb
mariadb_client example <family.sql

for expected in 1000 1999 2998 3997 4178; do
  "$WINDLASS" run family.yaml
  check "rows" "$(value family.yaml 'SELECT count(*) FROM family')" "$expected"
done
check "families" "$(value family.yaml 'SELECT count(DISTINCT rfam_acc) FROM family')" 4178
check "cutoffs" "$(value family.yaml 'SELECT sum(gathering_cutoff) FROM family')" \
  "$(mariadb_client -BN example -e 'SELECT SUM(gathering_cutoff) FROM family')"
# Nothing is left: a sixth run loads nothing.
"$WINDLASS" run family.yaml
check "rows" "$(value family.yaml 'SELECT count(*) FROM family')" 4178
