"""Tickets that changed since the last run, merged by their id. Runs offline: the API is a server of this script.
Needs `pip install 'windlass[rest]'`."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import windlass as dlt
from windlass.sources.rest_api import RESTAPIConfig, rest_api_resources

TICKETS = [
    {"id": 1, "subject": "printer", "status": 2, "updated_at": "2024-05-01T08:00:00Z"},
    {"id": 2, "subject": "network", "status": 2, "updated_at": "2024-05-02T08:00:00Z"},
]

#: The times since which tickets were asked for.
asked: list = []


class Api(BaseHTTPRequestHandler):
    """Gives the tickets that changed since a time, a page of one, to whoever has the key."""

    def do_GET(self):  # noqa: N802 (the name that the server calls)
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        page = int(query["page"])
        if page == 1:
            asked.append(query["updated_since"])
        changed = [one for one in TICKETS if one["updated_at"] >= query["updated_since"]]
        found = sorted(changed, key=lambda ticket: ticket["updated_at"])[page - 1 : page]
        # The key is the name of the user, any password will do: `key:X`.
        allowed = self.headers.get("Authorization") == "Basic a2V5Olg="
        body = json.dumps(found if allowed else {"code": "invalid_credentials"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@dlt.source
def freshdesk(base_url: str, api_secret_key: str = dlt.secrets.value):
    config: RESTAPIConfig = {
        "client": {
            "base_url": f"{base_url}/api/v2",
            "auth": {"type": "http_basic", "username": api_secret_key, "password": "X"},
            "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
        },
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {
                "name": "tickets",
                "endpoint": {
                    "path": "tickets",
                    "params": {"per_page": 100, "order_by": "updated_at", "order_type": "asc"},
                    "incremental": {
                        "cursor_path": "updated_at",
                        "initial_value": "2022-01-01T00:00:00Z",
                        "start_param": "updated_since",
                        "row_order": "asc",
                    },
                },
            }
        ],
    }
    yield from rest_api_resources(config)


def main():
    server = HTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    dlt.secrets["sources.freshdesk.api_secret_key"] = "key"
    pipeline = dlt.pipeline("freshdesk", destination=dlt.destinations.duckdb("freshdesk.duckdb"), dataset_name="support")
    pipeline.run(freshdesk(url))
    TICKETS[0].update(status=5, updated_at="2024-05-03T08:00:00Z")
    print(pipeline.run(freshdesk(url)))
    server.shutdown()
    server.server_close()
    rows = pipeline.dataset().tickets.select("id", "status").order_by("id").fetchall()
    print(asked, rows)
    return asked, rows


if __name__ == "__main__":
    main()
