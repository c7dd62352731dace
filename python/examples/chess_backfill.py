"""Games by month as files: the months that are loaded again replace themselves, the others stay. Runs offline."""

import pathlib

import windlass as dlt

GAMES = {
    "2024-01": [{"url": "g1", "white": "magnus", "black": "hikaru", "month": "2024-01"}],
    "2024-02": [{"url": "g2", "white": "anish", "black": "magnus", "month": "2024-02"}],
    "2024-03": [{"url": "g3", "white": "hikaru", "black": "anish", "month": "2024-03"}],
}


@dlt.source
def chess(months):
    """A resource for each month: a replace empties only the tables of the months that are read."""
    for month in months:
        yield dlt.resource(
            GAMES[month], name=f"games_{month.replace('-', '_')}", write_disposition="replace"
        )


def main():
    pipeline = dlt.pipeline(
        "chess",
        destination=dlt.destinations.filesystem("chess_files", layout="{table_name}/{load_id}.{file_id}.{ext}"),
        dataset_name="games",
    )
    pipeline.run(chess(GAMES))
    GAMES["2024-02"] = [{"url": "g2", "white": "anish", "black": "magnus", "month": "2024-02", "result": "draw"}]
    print(pipeline.run(chess(["2024-02"])))
    files = sorted(path.parent.name for path in pathlib.Path("chess_files/games").glob("games_*/*"))
    february = pipeline.dataset().games_2024_02.select("url", "result").fetchall()
    print(files, february)
    return files, february


if __name__ == "__main__":
    main()
