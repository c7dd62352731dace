"""Names of files at a folder: placeholders, values of one's own, functions, and the time that names show. Runs offline."""

import pathlib
from datetime import datetime, timezone

import windlass as dlt

EVENTS = [
    {"id": 1, "kind": "push", "actor": {"login": "ada"}, "commits": [{"sha": "a1"}, {"sha": "a2"}]},
    {"id": 2, "kind": "fork", "actor": {"login": "bob"}, "commits": []},
]


def shard(schema_name, table_name, load_id, file_id, ext):
    """Called for each file with what it is called after: here, a folder by the first character of the file's id."""
    return f"shard-{int(file_id[0], 16) % 2}"


def names(folder):
    """The files of a dataset, with ids and load ids cut short."""
    found = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        place = path.relative_to(folder).as_posix()
        if path.is_file() and not place.startswith(("_dlt", "init", ".")):
            found.append(place)
    return found


def load(name, layout, **options):
    """Loads the events into a folder of its own."""
    destination = dlt.destinations.filesystem(f"layouts/{name}", layout=layout, **options)
    pipeline = dlt.pipeline(f"layout_{name}", destination=destination, dataset_name="github")
    pipeline.run(EVENTS, table_name="events", loader_file_format="parquet")
    # However files are called, they are found again.
    assert pipeline.dataset().events.select("id").order_by("id").fetchall() == [(1,), (2,)]
    return names(f"layouts/{name}/github")


def main():
    moment = datetime(2024, 3, 5, 7, 8, 9, tzinfo=timezone.utc)
    found = {
        # A folder for each table: the default.
        "default": load("default", "{table_name}/{load_id}.{file_id}.{ext}"),
        # By schema and by day, as lakes like it.
        "days": load(
            "days",
            "{schema_name}/{table_name}/year={YYYY}/month={MM}/day={DD}/{file_id}.{ext}",
            current_datetime=moment,
        ),
        # The same with a function that tells the time, asked once for each load.
        "clock": load("clock", "{table_name}/{curr_date}T{HH}{mm}{ss}.{file_id}.{ext}", current_datetime=lambda: moment),
        # Fixed values and functions under names of one's own.
        "callbacks": load(
            "callbacks",
            "{table_name}/{team}/{shard}/{file_id}.{ext}",
            extra_placeholders={"team": "core", "shard": shard},
        ),
        # All files in one folder: the table in front, so that its files have one beginning.
        "flat": load("flat", "{table_name}.{quarter}.{file_id}.{ext}", extra_placeholders={"quarter": lambda *_: "q1"}),
    }
    for name, files in found.items():
        print(name, *files, sep="\n  ")
    return found


if __name__ == "__main__":
    main()
