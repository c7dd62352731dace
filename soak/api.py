"""A REST API over the records of each place: /PLACE/items?since=N&page=P, the oldest change first, five a page."""
import json, threading, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = 5


class Api:
    """Serves on a free loopback port until it is closed; `records` are by the name of the place."""

    def __init__(self):
        self.records = {}
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                asked = dict(urllib.parse.parse_qsl(url.query))
                since, page = int(asked.get("since", 0)), int(asked.get("page", 1))
                known = api.records.get(url.path.split("/")[1], [])
                rest = sorted((r for r in list(known) if r["seq"] >= since), key=lambda r: r["seq"])
                body = json.dumps({"items": rest[(page - 1) * PAGE:page * PAGE]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Clients that are killed break their connections off; that is what they are for."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, name):
        return f"http://127.0.0.1:{self.server.server_port}/{name}/"

    def close(self):
        self.server.shutdown()
