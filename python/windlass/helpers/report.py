"""What orchestrators show of a load: rows, columns and facts, by resource."""

from typing import Any, Dict, List


def tables_of_resource(schema: Any, resource: str) -> List[str]:
    """The tables that a resource is loaded into: its own ones first, then those that are nested in them."""
    tables = schema.tables
    own = [name for name, table in tables.items() if table.get("resource") == resource and not table.get("parent")]
    found = list(own)
    for name, table in tables.items():
        parent = table.get("parent")
        while parent is not None and parent not in own:
            parent = tables.get(parent, {}).get("parent")
        if parent is not None and name not in found:
            found.append(name)
    return found


def rows_of_tables(info: Any) -> Dict[str, int]:
    """Rows that a load brought, by table; those of the system's tables are left out."""
    counts: Dict[str, int] = {}
    for package in info.load_packages if info is not None else []:
        for table, rows in package.rows.items():
            if not table.startswith("_dlt"):
                counts[table] = counts.get(table, 0) + rows
    return counts


def columns_of_table(schema: Any, table: str) -> List[Dict[str, Any]]:
    """The columns of a table: name, type, whether it may be null, and what it is for."""
    found = []
    for column in schema.tables.get(table, {}).get("columns", {}).values():
        if "data_type" not in column:
            continue
        found.append(
            {
                "name": column["name"],
                "data_type": column["data_type"],
                "nullable": bool(column.get("nullable", True)),
                "primary_key": bool(column.get("primary_key")),
                "unique": bool(column.get("unique")),
                "description": column.get("description"),
            }
        )
    return found


def facts_of_load(info: Any) -> Dict[str, Any]:
    """Where and when a load went: nothing in it is secret."""
    return {
        "pipeline_name": info.pipeline.pipeline_name,
        "destination_type": info.destination_type,
        "destination_name": info.destination_name,
        "dataset_name": info.dataset_name,
        "loads_ids": list(info.loads_ids),
        "first_run": info.first_run,
        "started_at": info.started_at.isoformat() if info.started_at else None,
        "finished_at": info.finished_at.isoformat() if info.finished_at else None,
    }
