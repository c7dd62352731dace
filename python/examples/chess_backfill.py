"""Games by month as files: months that are loaded again replace themselves, the others stay. Runs offline: the API is a
server of this script. Needs `pip install 'windlass[rest]'`.

Each load adds files. The months that it brought again are cleaned up after it, when the new files are in place: what
does not carry the id of this load goes.
"""

import json
import pathlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import windlass as dlt
from windlass.sources.helpers import requests

GAMES = {
    "2024/01": [{"url": "g1", "white": "magnus", "black": "hikaru"}],
    "2024/02": [{"url": "g2", "white": "anish", "black": "magnus"}],
    "2024/03": [{"url": "g3", "white": "hikaru", "black": "anish"}],
}


class Api(BaseHTTPRequestHandler):
    """Gives the games of a month, and 404 for months without games."""

    def do_GET(self):  # noqa: N802 (the name that the server calls)
        games = GAMES.get("/".join(self.path.split("/")[-2:]))
        body = json.dumps({"games": games} if games else {"message": "not found"}).encode()
        self.send_response(200 if games else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def games_of(base_url, player, month):
    """The games of a month; there may be none."""
    try:
        response = requests.get(f"{base_url}/player/{player}/games/{month}")
    except requests.HTTPError as error:
        if error.response.status_code == 404:
            return []
        raise
    return [{**game, "month": month.replace("/", "-")} for game in response.json()["games"]]


@dlt.source
def chess(base_url, player, months):
    """A table for each month."""
    for month in months:

        def games(month=month):
            yield games_of(base_url, player, month)

        yield dlt.resource(games, name=table_of(month), write_disposition="append")


def table_of(month):
    """The table of a month."""
    return f"games_{month.replace('/', '_')}"


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
    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    pipeline = dlt.pipeline(
        "chess",
        destination=dlt.destinations.filesystem("chess_files", layout="{table_name}/{load_id}.{file_id}.{ext}"),
        dataset_name="games",
    )
    pipeline.run(chess(url, "magnus", [*GAMES, "2024/04"]))
    # Two months are read again, one of them changed; they overlap with what is there.
    GAMES["2024/02"][0]["result"] = "draw"
    months = ["2024/02", "2024/03"]
    load_info = pipeline.run(chess(url, "magnus", months))
    print(load_info)
    server.shutdown()
    server.server_close()
    removed = {table_of(month): delete_old_backfill(pipeline, load_info, table_of(month)) for month in months}
    files = sorted(path.parent.name for path in pathlib.Path("chess_files/games").glob("games_*/*"))
    february = pipeline.dataset().games_2024_02.select("url", "result").fetchall()
    print(removed, files, february)
    return removed, files, february


if __name__ == "__main__":
    main()
