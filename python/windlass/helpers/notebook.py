"""What notebooks show: tables of plain HTML, with every value escaped."""

from html import escape
from typing import Any, Optional, Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; all cells are text."""
    cells = "".join(f"<th>{escape(str(name))}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    return "" if value is None else escape(str(value))


def facts(values: Sequence[Any]) -> str:
    """Names and values, one below the other."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(str(name))}</th><td style='text-align:left'>{_cell(value)}</td></tr>"
        for name, value in values
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _details(title: str, inside: str, is_open: bool = False) -> str:
    return f"<details{' open' if is_open else ''}><summary>{escape(title)}</summary>{inside}</details>"


def info_html(info: Any) -> str:
    """What a step did: rows by table, then the files."""
    first = str(info).strip().split("\n")[0] if info.load_packages else "nothing to do"
    parts = [f"<div><b>{escape(first or type(info).__name__)}</b>"]
    if hasattr(info, "destination_name"):
        parts.append(
            facts(
                [
                    ("destination", info.destination_name),
                    ("dataset", info.dataset_name),
                    ("location", info.destination_displayable_credentials),
                ]
            )
        )
    rows = [
        (package.load_id, package.schema_name, package.state, name, count)
        for package in info.load_packages
        for name, count in package.rows.items()
    ]
    parts.append(table(("load id", "schema", "state", "table", "rows"), rows))
    for package in info.load_packages:
        files = [
            (job.job_file_info.table_name, job.job_id, job.file_size, job.state)
            for jobs in package.jobs.values()
            for job in jobs
        ]
        if files:
            parts.append(_details(f"{len(files)} file(s) of {package.load_id}", table(("table", "file", "bytes", "state"), files)))
        if package.schema_update:
            new = [(name, ", ".join(found["columns"])) for name, found in package.schema_update.items()]
            parts.append(_details(f"{len(new)} table(s) changed", table(("table", "new columns"), new)))
    if info.warnings:
        parts.append(_details("warnings", "".join(f"<p>{escape(text)}</p>" for text in info.warnings), True))
    return "".join(parts) + "</div>"


def step_html(step: Any) -> str:
    """One step of a trace."""
    title = step.asstr(0).split("\n")[0]
    if step.step_exception:
        return _details(title, f"<pre>{escape(step.step_exception)}</pre>", True)
    return _details(title, info_html(step.step_info) if step.step_info is not None else "")


def trace_html(trace: Any) -> str:
    """What a run did, step by step."""
    title = trace.asstr(0).split("\n")[0]
    return f"<div><b>{escape(title)}</b>{''.join(step_html(step) for step in trace.steps)}</div>"


def schema_html(schema: Any) -> str:
    """The tables and columns of a schema."""
    parts = [f"<div><b>schema {escape(schema.name)}</b>, version {escape(str(schema.version))}"]
    for name, found in schema.tables.items():
        columns = [
            (
                column["name"],
                column.get("data_type", ""),
                column.get("nullable", True),
                ", ".join(hint for hint in ("primary_key", "merge_key", "unique") if column.get(hint)),
            )
            for column in found["columns"].values()
        ]
        parts.append(_details(name, table(("column", "type", "nullable", "hints"), columns), not name.startswith("_dlt")))
    return "".join(parts) + "</div>"


def pipeline_html(pipeline: Any) -> str:
    """A pipeline: where it loads to and what it holds."""
    destination = pipeline.destination
    return "<div><b>pipeline " + escape(pipeline.pipeline_name) + "</b>" + facts(
        [
            ("destination", destination.destination_name if destination is not None else None),
            ("dataset", pipeline.dataset_name),
            ("schemas", ", ".join(pipeline.schema_names)),
            ("first run", pipeline.first_run),
            ("packages that wait", len(pipeline.list_normalized_load_packages())),
            ("working folder", pipeline.working_dir),
        ]
    ) + "</div>"


#: Rows of a relation that are shown.
_SHOWN_ROWS = 10


def relation_html(relation: Any) -> Optional[str]:
    """The first rows of a relation; its query if they cannot be read."""
    try:
        rows = relation.limit(_SHOWN_ROWS + 1).fetchall()
        names = relation.columns
    except Exception as cause:
        return f"<div><pre>{escape(str(relation))}</pre><p>{escape(type(cause).__name__)}: {escape(str(cause))}</p></div>"
    more = "<p>… and more rows</p>" if len(rows) > _SHOWN_ROWS else ""
    return f"<div>{table(names, rows[:_SHOWN_ROWS])}{more}</div>"


def dataset_html(dataset: Any) -> str:
    """The tables of a dataset."""
    rows = [(name, len(dataset.columns_of(name))) for name in dataset.tables if not name.startswith("_dlt")]
    return f"<div><b>dataset {escape(str(dataset.dataset_name))}</b>{table(('table', 'columns'), rows)}</div>"
