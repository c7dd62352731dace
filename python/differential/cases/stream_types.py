"""Types of rows and columns."""

from _base import duck, folder


def both(dlt, workdir, rows):
    """A database and a folder with the same rows."""
    for make in (duck, folder):
        p = make(dlt, workdir, make.__name__)
        p.run(rows, table_name="t")
        yield p


def run(dlt, workdir):
    from datetime import date, datetime, time, timezone
    from decimal import Decimal

    row = {"i": 2**40, "f": 1.5, "s": "ü", "b": True, "raw": b"ab", "day": date(2020, 1, 1), "dec": Decimal("1.25")}
    row.update({"at": datetime(2020, 1, 1, 12, 30, 0, 123456, tzinfo=timezone.utc), "js": {"k": [1]}, "clock": time(1, 2, 3)})
    found = []
    for p in both(dlt, workdir, [row, {"i": 1}]):
        names = [name for name in p.default_schema.tables["t"]["columns"] if not name.startswith("_dlt")]
        r = p.dataset().t.select(*names).order_by("i")
        rows = [row for chunk in r.iter_fetch(1) for row in chunk]
        found.append([[type(value).__name__, str(value)] for row in rows for value in row])
        found.append([[field.name, str(field.type)] for field in r.arrow().schema])
    return found
