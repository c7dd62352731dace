"""What notebooks show."""

from html import escape
from typing import Any, Sequence


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    cells = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def info_html(info: Any) -> str:
    """What a step did."""
    title = escape(str(info).split("\n")[0] or type(info).__name__)
    rows = []
    for package in info.load_packages:
        for table, count in package.rows.items():
            rows.append((package.load_id, package.schema_name, package.state, table, count))
    return f"<div><b>{title}</b>{_table(('load id', 'schema', 'state', 'table', 'rows'), rows)}</div>"


def schema_html(schema: Any) -> str:
    """The tables and columns of a schema."""
    parts = [f"<div><b>schema {escape(schema.name)}</b>, version {escape(str(schema.version))}"]
    for name, table in schema.tables.items():
        columns = [
            (column["name"], column.get("data_type", ""), column.get("nullable", True))
            for column in table["columns"].values()
        ]
        is_open = "" if name.startswith("_dlt") else " open"
        parts.append(
            f"<details{is_open}><summary>{escape(name)}</summary>{_table(('column', 'type', 'nullable'), columns)}</details>"
        )
    return "".join(parts) + "</div>"
