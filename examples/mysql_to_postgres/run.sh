#!/bin/sh
# Copies a shop from MariaDB to Postgres, changes it, copies it again, and compares both sides.
set -eu
. "$(dirname "$0")/../servers.sh"
begin
start_mariadb
start_postgres
mariadb_client example <shop.sql

compare() {
  for sql in \
    'SELECT COUNT(*) FROM orders' \
    'SELECT CAST(SUM(i.quantity * p.price) * 100 AS INTEGER) FROM order_items i JOIN products p ON p.sku = i.sku' \
    'SELECT COUNT(*) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.tier = '"'gold'" \
    'SELECT MAX(title) FROM products' \
    'SELECT COUNT(*) FROM order_items i JOIN orders o ON o.id = i.order_id'; do
    check "$sql" "$(value shop.yaml "$sql")" "$(mariadb_client -BN example -e "$sql")"
  done
}

"$WINDLASS" run shop.yaml
compare
"$WINDLASS" pipeline schema shop.yaml --format json >schema.json
python3 - <<'EOF'
import json
tables = json.load(open("schema.json"))["tables"]
found = sorted(
    (table, ",".join(key["columns"]), key["referenced_table"])
    for table, description in tables.items()
    if not table.startswith("_dlt")
    for key in description.get("references", [])
    if not key["referenced_table"].startswith("_dlt")
)
expected = [
    ("order_items", "order_id", "orders"),
    ("order_items", "sku", "products"),
    ("orders", "customer_id", "customers"),
]
assert found == expected, found
EOF

mariadb_client example -e "UPDATE customers SET tier = 'gold' WHERE id % 7 = 0;
  INSERT INTO orders (customer_id, placed) VALUES (7, '2024-04-01'); UPDATE products SET price = price * 2"
"$WINDLASS" run shop.yaml
compare
