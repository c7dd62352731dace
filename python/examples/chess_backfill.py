"""Games by month as files: months that are loaded again replace themselves, the others stay. Runs offline.

Each load adds files. The months that it brought again are cleaned up after it, when the new files are in place: what
does not carry the id of this load goes.
"""

import pathlib

import windlass as dlt

GAMES = {
    "2024-01": [{"url": "g1", "white": "magnus", "black": "hikaru"}],
    "2024-02": [{"url": "g2", "white": "anish", "black": "magnus"}],
    "2024-03": [{"url": "g3", "white": "hikaru", "black": "anish"}],
}


@dlt.source
def chess(months):
    """A table for each month."""
    for month in months:
        yield dlt.resource(
            [{**game, "month": month} for game in GAMES[month]],
            name=table_of(month),
            write_disposition="append",
        )


def table_of(month):
    """The table of a month."""
    return f"games_{month.replace('-', '_')}"


def delete_old_backfill(pipeline, load_info, table_name):
    """Removes the files of a table that are not of this load; tells how many there were."""
    (load_id,) = load_info.loads_ids
    removed = 0
    with pipeline.destination_client() as client:
        for path in client.list_table_files(table_name):
            if load_id not in path:
                client.fs_client.rm(path)
                removed += 1
    return removed


def main():
    pipeline = dlt.pipeline(
        "chess",
        destination=dlt.destinations.filesystem("chess_files", layout="{table_name}/{load_id}.{file_id}.{ext}"),
        dataset_name="games",
    )
    pipeline.run(chess(GAMES))
    # Two months are read again, one of them changed; they overlap with what is there.
    GAMES["2024-02"] = [{"url": "g2", "white": "anish", "black": "magnus", "result": "draw"}]
    months = ["2024-02", "2024-03"]
    load_info = pipeline.run(chess(months))
    print(load_info)
    removed = {table_of(month): delete_old_backfill(pipeline, load_info, table_of(month)) for month in months}
    files = sorted(path.parent.name for path in pathlib.Path("chess_files/games").glob("games_*/*"))
    february = pipeline.dataset().games_2024_02.select("url", "result").fetchall()
    print(removed, files, february)
    return removed, files, february


if __name__ == "__main__":
    main()
