"""A server on the loopback that answers as it is scripted and notes what it is asked."""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Headers of requests that are noted, as the recorder noted them.
NOTED = ("authorization", "content-type", "user-agent", "accept", "cookie")


def body_bytes(body):
    """The bytes of a recorded body."""
    if isinstance(body, dict) and "__bytes_hex__" in body:
        return bytes.fromhex(body["__bytes_hex__"])
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


class _Quiet(ThreadingHTTPServer):
    """A server to which a connection that breaks off is no news."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Says nothing."""


class ScriptedServer:
    """Answers requests by the exchanges of a recording; use it as a context."""

    def __init__(self):
        self._lock = threading.Lock()
        self._exchanges, self._served, self.asked = [], [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode("utf-8", "replace") if length else None
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = {"method": self.command, "path": path, "raw_query": query, "raw_body": body}
                request["headers"] = {
                    name: value for name, value in headers.items() if name in NOTED or name.startswith("x-")
                }
                outer._reply(self, request)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

            def log_message(self, *_):
                """Says nothing."""

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def script(self, exchanges):
        """Sets what is answered from now on."""
        with self._lock:
            self._exchanges, self._served, self.asked = exchanges, [False] * len(exchanges), []

    def _find(self, request):
        """The first exchange left that has this request, else one of the same place: so the run goes on."""
        left = [index for index, served in enumerate(self._served) if not served]
        keys = ("method", "path", "raw_query", "raw_body")

        def is_same(index):
            recorded = self._exchanges[index]["request"]
            return all((recorded.get(key) or "") == (request[key] or "") for key in keys)

        def is_similar(index):
            recorded = self._exchanges[index]["request"]
            return (recorded["method"], recorded["path"]) == (request["method"], request["path"])

        for fits in (is_same, is_similar):
            for index in left:
                if fits(index):
                    self._served[index] = True
                    return self._exchanges[index]["response"]
        return {"status": 404, "headers": {}, "body": "this request was not recorded"}

    def _reply(self, handler, request):
        with self._lock:
            response = self._find(request)
            self.asked.append(request)
        status = response["status"]
        if status is None:
            handler.close_connection = True
            handler.connection.close()
            return
        body = body_bytes(response.get("body", ""))
        handler.send_response_only(status, http.client.responses.get(status, "Unknown"))
        for name, value in (response.get("headers") or {}).items():
            for one in value if isinstance(value, list) else [value]:
                handler.send_header(name, one)
        if status != 204:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if status != 204 and request["method"] != "HEAD":
            handler.wfile.write(body)
