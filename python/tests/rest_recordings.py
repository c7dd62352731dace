"""Recordings of dlt 1.31.0 at HTTP servers, run through the Python helpers."""

import email.utils
import json
import math
import os
import pathlib
import re
import time
from datetime import datetime, timezone

from rest_server import ScriptedServer

from windlass.version import __version__

FOLDER = pathlib.Path(__file__).parents[2] / "conformance" / "rest"

#: Changes that are Python's own: what recordings say in words, and what windlass does on purpose.
OWN = pathlib.Path(__file__).parent / "rest_recordings"

#: Recordings of other sources.
ELSEWHERE = ("fs_http_glob", "fs_http_glob_info", "fs_http_single")

#: Parameters that tell one page of a chain from the next.
PAGE_PARAMETERS = (
    "page offset cursor p cur after next skip start startat page_token nextpagetoken page_info start_cursor".split()
)


def names():
    """The recordings that concern these helpers."""
    return [path.stem for path in sorted(FOLDER.glob("*.json")) if path.stem not in ELSEWHERE]


def merged(value, patch):
    """A value with a patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), change)
    return out


def read(name, port):
    """A recording for a server at a port."""
    value = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    own = OWN / f"{name}.json"
    patches = [own] if own.exists() else [FOLDER / folder / f"{name}.json" for folder in ("completed", "on_purpose")]
    for path in patches:
        if path.exists():
            value = merged(value, json.loads(path.read_text(encoding="utf-8")))
    text = json.dumps(value)
    for mark, place in (("BASE_URL", f"http://127.0.0.1:{port}"), ("HOST", f"127.0.0.1:{port}"), ("ALT_HOST", f"localhost:{port}")):
        text = text.replace("{{" + mark + "}}", place)
    return json.loads(text)


class Clock:
    """Notes pauses in place of making them."""

    def __init__(self):
        self.pauses = []

    def sleep(self, seconds):
        self.pauses.append(seconds)

    time = staticmethod(time.time)


def move_dates(recording):
    """Dates that were to come when they were recorded are to come again."""
    pauses = recording.get("retry_sleeps_seconds") or []
    if len(pauses) == 1 and pauses[0] % 1:
        for exchange in recording["exchanges"]:
            headers = exchange["response"].get("headers") or {}
            if str(headers.get("Retry-After", "")).endswith("GMT"):
                headers["Retry-After"] = email.utils.formatdate(time.time() + math.ceil(pauses[0]), usegmt=True)


def run(name, monkeypatch, tmp_path):
    """Runs a recording; gives lines that tell where it differs."""
    import windlass.sources.helpers.requests.session as session

    clock = Clock()
    monkeypatch.setattr(session, "time", clock)
    with ScriptedServer() as server:
        recording = read(name, server.port)
        move_dates(recording)
        for key, value in {**(recording.get("env") or {}), **_env_of(recording)}.items():
            monkeypatch.setenv(key, value)
        if name.startswith("auth_netrc"):
            netrc = tmp_path / "netrc"
            netrc.write_text("machine 127.0.0.1 login nu password np\n")
            monkeypatch.setenv("NETRC", str(netrc))
        server.script(recording["exchanges"])
        runner = Runner(name, recording, server, tmp_path)
        kind = recording["kind"]
        if kind == "rest_api":
            lines = runner.extraction()
        elif kind == "rest_api.pipeline_runs":
            lines = runner.pipeline_runs()
        else:
            lines = runner.single()
        lines += request_differences(recording, server.asked)
    lines += pause_differences(recording, clock.pauses)
    return lines


def _env_of(recording):
    config = recording["config"]
    return config.pop("env", {}) if isinstance(config, dict) else {}


# -- what came of it


def caught(call):
    """What a call gives, and its exception."""
    try:
        return call(), None
    except Exception as cause:
        return None, cause


def error_differences(recorded, cause):
    if recorded is None:
        return [] if cause is None else [f"+ error {type(cause).__name__}: {cause}"]
    if cause is None:
        return [f"- error {recorded['type']}: {recorded['message']}"]
    wanted = recorded["type"].rpartition(".")[2]
    kinds, inner = [], cause
    while inner is not None:
        kinds += [kind.__name__ for kind in type(inner).__mro__]
        inner = inner.__cause__
    if recorded["type"].startswith("windlass."):
        wanted = "Exception"
    is_same = wanted in kinds
    # Texts of answers that are errors are the same, others may say it better.
    if wanted == "HTTPError" or recorded["type"].startswith("windlass."):
        is_same = is_same and recorded["message"] in str(cause)
    return [] if is_same else [f"- error {recorded}", f"+ error {kinds[:3]}: {cause}"]


def pause_differences(recording, pauses):
    recorded = recording.get("retry_sleeps_seconds") or []
    is_same = len(recorded) == len(pauses) and all(
        a == b or (a % 1 and abs(a - b) < 1.5) for a, b in zip(recorded, pauses)
    )
    return [] if is_same else [f"- pauses {recorded}", f"+ pauses {pauses}"]


def _line(request, agent):
    headers = dict(request.get("headers") or {})
    if headers.get("user-agent", "").startswith(agent):
        headers["user-agent"] = f"windlass/{__version__}"
    text = f"{request['method']} {request['path']}"
    if request.get("raw_query"):
        text += f"?{request['raw_query']}"
    for name, value in sorted(headers.items()):
        if name in ("authorization", "content-type", "cookie", "user-agent", "accept") or name.startswith("x-"):
            text += f" {name}={value}"
    # A signed statement is another one each time.
    body = re.sub(r"assertion=.*", "assertion=<JWT>", request.get("raw_body") or "")
    return text + (f" body={body}" if body else "")


def _chain(request):
    pairs = [pair for pair in (request.get("raw_query") or "").split("&")]
    kept = [pair for pair in pairs if pair.partition("=")[0].lower() not in PAGE_PARAMETERS]
    return f"{request['method']} {request['path']} {'&'.join(kept)}"


def request_differences(recording, asked):
    """Lines that tell where the requests differ: in their order, or in that of each chain."""
    recorded = [(_chain(one["request"]), _line(one["request"], "dlt/")) for one in recording["exchanges"]]
    made = [(_chain(one), _line(one, "windlass/")) for one in asked]
    if recorded == made:
        return []
    if recording.get("ordering") == "per_chain" and sorted(recorded) == sorted(made):
        chains = {chain for chain, _ in recorded}
        of = lambda lines, chain: [line for own, line in lines if own == chain]  # noqa: E731
        wrong = [chain for chain in sorted(chains) if of(recorded, chain) != of(made, chain)]
        return [f"another order in the chain {chain}" for chain in wrong]
    return [f"- request {line}" for _, line in recorded] + [f"+ request {line}" for _, line in made]


def value_differences(what, recorded, found):
    return [] if recorded == found else [f"- {what} {json.dumps(recorded)}", f"+ {what} {json.dumps(found, default=str)}"]


def iso_to_epoch(value):
    """As the recorder's function did."""
    return str(int(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()))


class Runner:
    """One recording that is run."""

    def __init__(self, name, recording, server, folder):
        self.name, self.recording, self.server, self.folder = name, recording, server, folder
        self.config, self.result, self.error = recording["config"], recording.get("result"), recording.get("error")

    # -- clients

    def client(self, config):
        from windlass.sources.helpers.rest_client import RESTClient
        from windlass.sources.rest_api.config_setup import create_paginator

        options = dict(config)
        if options.get("auth") is not None:
            options["auth"] = self.auth(options["auth"])
        if options.get("paginator") is not None:
            options["paginator"] = create_paginator(options["paginator"])
        return RESTClient(**{"base_url": self.server.url, **options})

    @staticmethod
    def auth(config):
        from windlass.sources.helpers.rest_client.auth import OAuthJWTAuth
        from windlass.sources.rest_api.config_setup import create_auth

        if isinstance(config, dict) and config.get("class") == "OAuthJWTAuth":
            options = {key: value for key, value in config.items() if key != "class"}
            return OAuthJWTAuth(private_key=(FOLDER / "key_for_tests.pem").read_text(), **options)
        return create_auth(config)

    def single(self):
        """Recordings of the helpers without a source."""
        run = {
            "requests.Client": self.requests_client,
            "requests.get": self.requests_get,
            "rest_client.get": self.rest_client_get,
            "rest_client.request": self.rest_client_request,
            "paginator.new": self.new_paginator,
            "register": self.register,
        }.get(self.recording["kind"], self.pages)
        return run()

    def requests_client(self):
        from windlass.sources.helpers.requests import Client

        options = dict(self.config)
        by_body = options.pop("retry_condition", None)
        if by_body:
            assert by_body == "body == 'again'"
            options["retry_condition"] = lambda response, error: response is not None and response.text == "again"
        if "status_codes" in options or self.error is None:
            options["raise_for_status"] = False
        found, cause = caught(lambda: Client(**options).get(f"{self.server.url}/i"))
        made = None if found is None else [found.text if by_body else found.status_code]
        return value_differences("result", self.result, made) + error_differences(self.error, cause)

    def requests_get(self):
        from windlass.sources.helpers import requests

        _, cause = caught(lambda: requests.get(self.server.url + self.config["path"]))
        return error_differences(self.error, cause)

    def rest_client_get(self):
        found, cause = caught(lambda: self.client({}).get(self.config["path"]))
        made = None if found is None else {"status": found.status_code}
        return value_differences("result", self.result, made) + error_differences(self.error, cause)

    def rest_client_request(self):
        client = self.client(self.config["client"])
        statuses = []
        for exchange in self.recording["exchanges"]:
            asked = exchange["request"]
            options = {"params": dict(asked.get("query") or [])}
            if asked.get("json") is not None:
                options["json"] = asked["json"]
            statuses.append(client.request(asked["path"], asked["method"], **options).status_code)
        return value_differences("result", self.result, statuses)

    def new_paginator(self):
        from windlass.sources.rest_api.config_setup import create_paginator

        return error_differences(self.error, caught(lambda: create_paginator(self.config))[1])

    def register(self):
        from windlass.sources.rest_api import register_auth, register_paginator

        call = register_auth if self.name == "reg_bad_auth" else register_paginator
        cause = caught(lambda: call("x", str))[1]
        return error_differences(self.error, cause) + value_differences("text", self.error["message"], str(cause))

    def pages(self):
        config = self.config
        call = config.get("paginate", {"path": "/items"})
        client = dict(config.get("client") or {})
        if "auth" in config:
            client["auth"] = config["auth"]
        if self.recording["kind"].endswith("+response_actions"):
            call = config
        made_client, cause = caught(lambda: self.client(client))
        found = []
        if cause is None:
            cause = caught(lambda: self.read_pages(made_client, call, found, config.get("consumer_stops_after_pages")))[1]
        made = {"pages": found}
        if self.recording["kind"].endswith(" x2"):
            second = []
            self.read_pages(made_client, call, second, None)
            made = {"first": found, "second": second}
        # What signs a token is checked elsewhere; arguments of callers are never changed.
        recorded = {
            key: value for key, value in (self.result or {}).items() if key not in ("assertions", "caller_params_after")
        }
        lines = value_differences("result", recorded, made) + error_differences(self.error, cause)
        return lines + ([f"+ a secret in {cause}"] if "SECRET" in str(cause) else [])

    def read_pages(self, client, call, found, most):
        from windlass.sources.rest_api.config_setup import create_paginator, create_response_hooks

        options = {key: value for key, value in call.items() if value is not None}
        if "paginator" in options:
            options["paginator"] = create_paginator(options["paginator"])
        if "auth" in options:
            options["auth"] = self.auth(options["auth"])
        actions = options.pop("response_actions", None)
        if actions is not None:
            options["hooks"] = create_response_hooks([self.action(action) for action in actions])
        given = json.dumps([options.get("params"), options.get("json")])
        for page in client.paginate(**options):
            # Pages may be changed later on: what is compared is what there was.
            found.append(json.loads(json.dumps(page)))
            if most is not None and len(found) >= most:
                break
        assert json.dumps([options.get("params"), options.get("json")]) == given

    @staticmethod
    def action(described):
        """An action with functions for those that are described."""

        def first(response, *args, **kwargs):
            assert response.status_code == 200

        def second(response, *args, **kwargs):
            rows = [{**row, "added": True} for row in response.json()]
            response._content = json.dumps(rows).encode()

        def function(text):
            return first if text == "<callable h1>" else second if str(text).startswith("<callable h2") else text

        if isinstance(described, dict) and isinstance(described.get("action"), list):
            return {**described, "action": [function(one) for one in described["action"]]}
        return function(described)

    # -- sources

    def source(self, config):
        import windlass as dlt
        from windlass.sources.helpers.rest_client.paginators import JSONLinkPaginator
        from windlass.sources.rest_api import rest_api_source

        config = json.loads(json.dumps(config))
        select, name = config.pop("select", None), config.pop("name", None)
        limits = {}
        for resource in config["resources"]:
            if isinstance(resource, dict):
                limits[resource.get("name")] = resource.pop("limit", None)
                cursor = (resource.get("endpoint") or {}).get("incremental") if isinstance(resource.get("endpoint"), dict) else None
                if cursor and str(cursor.get("convert", "")).startswith("<callable"):
                    cursor["convert"] = iso_to_epoch
        if self.name == "api_shared_paginator_instance":
            config["resource_defaults"] = {"endpoint": {"paginator": JSONLinkPaginator()}}
        if self.name == "inc_datetime_initial":
            config["resources"][0]["endpoint"]["incremental"]["initial_value"] = datetime(2024, 1, 1, tzinfo=timezone.utc)
        if self.name == "api_custom_registered":
            _register_own()
        if self.name == "api_processing_steps":
            config["resources"][0]["processing_steps"] = [
                {"filter": lambda row: row["id"] > 1},
                {"map": lambda row: {**row, "m": 1}},
                {"yield_map": lambda row: ({"n": n, **row} for n in (1, 2))},
            ]
        if self.name == "api_dlt_resource_parent_dict":

            @dlt.resource
            def repos_dict():
                yield {"id": 1}
                yield {"id": 2}

            config["resources"][0] = repos_dict
        source = rest_api_source(config, name=name)
        for resource, limit in limits.items():
            if limit:
                source.resources[resource].add_limit(**limit)
        return source.with_resources(*select) if select else source

    def extraction(self):
        """One reading: the rows that left each resource are compared."""
        from windlass.extract.context import running
        from windlass.extract.source import SourceExtraction

        rows = {}

        def extract():
            source = self.source(self.config)
            for name in source.resources.selected:
                rows[name] = []
            extraction = SourceExtraction(source, None)
            with running(extraction):
                for resource, _, item in extraction.raw_items():
                    rows[resource.name] += item if isinstance(item, list) else [item]

        _, cause = caught(extract)
        lines = error_differences(self.error, cause)
        recorded = (self.result or {}).get("rows")
        # What was given before an error depends on the order of requests.
        if self.error is not None or cause is not None or recorded is None:
            return lines
        if isinstance(recorded, list):
            return lines + value_differences("rows", recorded, [row for found in rows.values() for row in found])
        for name, expected in recorded.items():
            lines += value_differences(f"rows of {name}", self.ordered(expected), self.ordered(rows.get(name, [])))
        return lines

    def ordered(self, rows):
        if self.recording.get("ordering") != "per_chain":
            return rows
        return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))

    def pipeline_runs(self):
        """Runs of a pipeline one after the other: the rows of each, and the cursors."""
        import windlass as dlt

        os.environ["SCHEMA__NAMING"] = "direct"
        out = self.folder / "out"
        lines, known = [], set()
        configs = self.config if isinstance(self.config, list) else [self.config]
        try:
            for index, recorded in enumerate(self.result["runs"]):
                pipeline = dlt.pipeline(
                    "p",
                    pipelines_dir=str(self.folder / "pl"),
                    destination=dlt.destinations.filesystem(str(out)),
                    dataset_name="d",
                )
                config = configs[min(index, len(configs) - 1)]
                _, cause = caught(lambda: pipeline.run(self.source(config), loader_file_format="jsonl"))  # noqa: B023
                lines += error_differences(recorded["error"], cause)
                files = {path for path in out.rglob("*.jsonl*") if not path.relative_to(out / "d").parts[0].startswith(("_", "init"))}
                loaded = _rows_of(sorted(files - known))
                known = files
                for table in sorted({*loaded, *(recorded["loaded"] or {})}):
                    expected = comparable((recorded["loaded"] or {}).get(table, []))
                    lines += value_differences(f"run {index}: rows of {table}", expected, comparable(loaded.get(table, [])))
                if cause is None:
                    cursors = comparable(_cursors(pipeline.state))
                    lines += value_differences(f"run {index}: cursors", comparable(recorded["incremental_state"]), cursors)
        finally:
            del os.environ["SCHEMA__NAMING"]
        return lines


def _register_own():
    from windlass.common.configuration import configspec
    from windlass.sources.helpers.rest_client.auth import AuthConfigBase
    from windlass.sources.helpers.rest_client.paginators import BasePaginator
    from windlass.sources.rest_api import register_auth, register_paginator

    class TwoPages(BasePaginator):
        def __init__(self, page_param):
            super().__init__()
            self.page_param, self.page = page_param, 0

        def update_state(self, response, data=None):
            self.page += 1
            self._has_next_page = self.page < 2

        def update_request(self, request):
            request.params = {**(request.params or {}), self.page_param: self.page}

    @configspec
    class Signature(AuthConfigBase):
        api_key: str = None

        def __call__(self, request):
            request.headers["X-Sig"] = f"sig-{self.api_key}"
            return request

    register_paginator("two_pages", TwoPages)
    register_auth("sig", Signature)


def _rows_of(paths):
    import gzip

    tables = {}
    for path in paths:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        rows = tables.setdefault(path.parent.name, [])
        for line in data.decode().splitlines():
            row = {}
            for name, value in json.loads(line).items():
                if name.startswith("_dlt") or value is None:
                    continue
                place = row
                *outer, last = name.split("▶")
                for part in outer:
                    place = place.setdefault(part, {})
                place[last] = value
            rows.append(row)
    return tables


def _cursors(state):
    found = {}
    for source in state.get("sources", {}).values():
        for name, resource in source.get("resources", {}).items():
            for path, cursor in resource.get("incremental", {}).items():
                counted = {**cursor, "unique_hashes": len(cursor.get("unique_hashes") or [])}
                found.setdefault(name, {})[path] = counted
    return found


def comparable(value):
    """Rows and values in one order, times in one form, without nulls."""
    if isinstance(value, list):
        return sorted((comparable(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in sorted(value.items()) if item is not None}
    if isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str) and re.match(r"^\d{4}-\d\d-\d\d[T ]\d\d:", value):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).isoformat(" ")
    return value
