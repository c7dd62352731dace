"""The events course: a paged API with a token, contracts, alerts of changed schemas, incremental loading. Runs offline:
the API is a server of this script. Needs `pip install 'windlass[rest]'`."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import windlass as dlt
from windlass.pipeline.exceptions import PipelineStepFailed
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.auth import BearerTokenAuth
from windlass.sources.helpers.rest_client.paginators import HeaderLinkPaginator

PAGES = {
    1: [
        {"id": "3", "type": "PushEvent", "created_at": "2025-03-03T00:00:00Z", "actor": {"login": "a"}, "payload": {"size": 1}},
        {"id": "2", "type": "WatchEvent", "created_at": "2025-03-02T00:00:00Z", "actor": {"login": "b"}, "payload": {}},
    ],
    2: [{"id": "1", "type": "PushEvent", "created_at": "2025-03-01T00:00:00Z", "actor": {"login": "a"}, "payload": {"size": 2}}],
}


class Api(BaseHTTPRequestHandler):
    """Gives a page of events to whoever has the token, and says in the header `Link` where the next one is."""

    def do_GET(self):  # noqa: N802 (the name that the server calls)
        allowed = self.headers.get("Authorization") == "Bearer secret-token"
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        body = json.dumps(PAGES.get(page, []) if allowed else {"message": "Bad credentials"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        if page + 1 in PAGES:
            self.send_header("Link", f'</orgs/DataTalksClub/events?page={page + 1}>; rel="next"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@dlt.resource(primary_key="id", write_disposition="append")
def events(
    base_url: str,
    access_token: str = dlt.secrets.value,
    created_at=dlt.sources.incremental("created_at", initial_value="2025-01-01T00:00:00Z"),
):
    client = RESTClient(
        base_url=base_url, auth=BearerTokenAuth(token=access_token), paginator=HeaderLinkPaginator()
    )
    for page in client.paginate("orgs/DataTalksClub/events"):
        yield page


def schema_changes(info):
    """New tables and columns of a load, to be told to somebody."""
    return [
        f"{table}.{column}: {described['data_type']}"
        for package in info.load_packages
        for table, update in package.schema_update.items()
        for column, described in update["columns"].items()
        if not table.startswith("_dlt")
    ]


def main():
    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    os.environ["ACCESS_TOKEN"] = "secret-token"
    pipeline = dlt.pipeline("github", destination=dlt.destinations.duckdb("github.duckdb"), dataset_name="events_data")

    first = pipeline.run(events(url))
    changes = schema_changes(first)
    second = pipeline.run(events(url))
    print(len(changes), "new columns; the second run loaded", len(second.loads_ids), "packages")

    # One more event, whose payload has a field that nobody knew.
    PAGES[1].insert(
        0,
        {"id": "4", "type": "ForkEvent", "created_at": "2025-03-04T00:00:00Z", "actor": {"login": "c"}, "payload": {"forkee": "x"}},
    )
    try:
        pipeline.run(events(url), schema_contract={"columns": "freeze"})
        rejected = None
    except PipelineStepFailed as cause:
        rejected = cause.step
    pipeline.drop_pending_packages()
    accepted = schema_changes(pipeline.run(events(url), schema_contract="evolve"))
    print("frozen columns stopped the step", rejected, "- then accepted:", accepted)

    replaced = pipeline.run(events(url), write_disposition="replace")
    server.shutdown()
    server.server_close()
    count = pipeline.dataset().events.select("id").fetchall()
    print(replaced)
    return {
        "changes": changes,
        "second": second.loads_ids,
        "rejected": rejected,
        "accepted": accepted,
        "ids": sorted(row[0] for row in count),
        "state": pipeline.state["sources"]["github"]["resources"]["events"]["incremental"]["created_at"]["last_value"],
    }


if __name__ == "__main__":
    main()
