"""A server for scripts with REST APIs."""

import contextlib
import importlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

POSTS = [{"id": n, "title": f"t{n}", "author": {"id": 10 + n, "name": f"a{n}"}, "tags": ["x", f"y{n}"]} for n in range(1, 6)]
EVENTS = [{"id": n, "kind": "abc"[n % 3], "updated_at": f"2024-01-{10 + n:02}T00:00:00Z"} for n in range(1, 7)]


class Api:
    """Answers by functions of the path; notes what it was asked."""

    def __init__(self, routes):
        self.routes, self.asked, self.lock = routes, [], threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                path, _, query = self.path.partition("?")
                with outer.lock:
                    signed = " signed" if self.headers.get("Authorization") else ""
                    outer.asked.append(f"{self.command} {self.path}{signed} {body}".strip())
                    self.query, self.body = dict(parse_qsl(query, keep_blank_values=True)), body
                    status, headers, found = outer.reply(path, self)
                data = found if isinstance(found, bytes) else json.dumps(found).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *_):
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def reply(self, path, request):
        parts = path.strip("/").split("/")
        for count in range(len(parts), 0, -1):
            route = self.routes.get("/".join(parts[:count]))
            if route is not None:
                found = route(request, *parts[count:])
                return found if isinstance(found, tuple) else (200, {}, found)
        return 404, {}, {"message": "not found"}

    def requests(self):
        """What was asked, in an order that does not depend on that of the chains."""
        return sorted(self.asked)


@contextlib.contextmanager
def serving(**routes):
    """A server while a script runs."""
    api = Api({name.replace("__", "/"): route for name, route in routes.items()})
    threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield api
    finally:
        api.server.shutdown()
        api.server.server_close()


def module(dlt, name):
    """A module of the library."""
    return importlib.import_module(f"{dlt.__name__}.{name}")


def rest_api(dlt):
    return module(dlt, "sources.rest_api")


def client(dlt):
    return module(dlt, "sources.helpers.rest_client")


def paginators(dlt):
    return module(dlt, "sources.helpers.rest_client.paginators")


def paged(rows, size=2, **more):
    """A route with page numbers that begin at 1, and the number of pages as `total`."""

    def route(request, *_):
        page = int(request.query.get("page", 1))
        return {"data": rows[(page - 1) * size : page * size], "total": -(-len(rows) // size), **more}

    return route


def posts(request, post_id=None, what=None):
    """Posts; one of them; what belongs to it."""
    if post_id is None:
        return {"data": POSTS}
    post = next((post for post in POSTS if str(post["id"]) == post_id), None)
    if post is None:
        return 404, {}, {"message": "not found"}
    if what is None:
        return post
    return {"data": [{"id": post["id"] * 100 + n, "text": f"{what} {n}"} for n in range(2)]}


def since(rows=EVENTS):
    """A route that gives what changed since a time."""

    def route(request, *_):
        return {"data": [row for row in rows if row["updated_at"] >= request.query.get("since", "")]}

    return route
