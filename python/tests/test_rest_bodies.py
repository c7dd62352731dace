"""Bodies of answers: what would fill the memory is refused before it does."""

import gzip
import http.server
import json
import resource
import threading
import zlib

import pytest

from windlass.sources.helpers import requests
from windlass.sources.helpers.rest_client import RESTClient
from windlass.sources.helpers.rest_client.paginators import SinglePagePaginator

MEGABYTE = 1_000_000


def packed(start, megabytes, end):
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    parts = [packer.compress(start)]
    parts += [packer.compress(b"x" * MEGABYTE) for _ in range(megabytes)]
    return b"".join([*parts, packer.compress(end), packer.flush()])


BODIES = {
    "/bomb": packed(b'[{"a":"', 300, b'"}]'),
    "/long": packed(b'[{"a":"', 40, b'"}]'),
    "/list": gzip.compress(json.dumps([{"id": number, "s": str(number) * 3} for number in range(1000)]).encode()),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = BODIES[self.path]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_packed_answer_that_would_fill_the_memory_is_refused(url):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(requests.RequestException, match=r"/bomb answered .*extract\.max_record_bytes"):
        list(RESTClient(url).paginate("bomb", paginator=SinglePagePaginator()))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_other_packed_answers_are_read(url):
    assert len(list(RESTClient(url).paginate("list", paginator=SinglePagePaginator()))[0]) == 1000
    assert len(requests.get(f"{url}/long").json()[0]["a"]) == 40 * MEGABYTE


def test_who_reads_a_packed_answer_in_pieces_gets_all_of_it(url):
    with requests.get(f"{url}/bomb", stream=True) as answer:
        assert sum(len(piece) for piece in answer.iter_content(MEGABYTE)) == 300 * MEGABYTE + 10


def test_the_limit_of_a_packed_answer_is_a_setting(url, monkeypatch):
    monkeypatch.setenv("EXTRACT__MAX_RECORD_BYTES", "1MB")
    with pytest.raises(requests.RequestException, match="longer than 2097152 bytes"):
        requests.get(f"{url}/long")
