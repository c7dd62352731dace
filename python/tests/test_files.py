"""The source of files: listings, readers, new files only."""

import gzip
import http.server
import json
import os
import pathlib
import pickle
import subprocess
import sys
import threading
from datetime import datetime, timezone

import pytest

import windlass as dlt
from windlass.common.exceptions import MissingDependencyException
from windlass.common.storages.fsspec_filesystem import FileItemDict, fsspec_filesystem, glob_files
from windlass.common.storages.local_files import LocalFiles
from windlass.extract.exceptions import ResourceExtractionError
from windlass.sources.filesystem import filesystem, read_csv, read_csv_duckdb, read_jsonl, read_parquet, readers

RECORDED = pathlib.Path(__file__).parent / "recorded"


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def put(folder, name, content="", at=1704067200):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.utime(path, (at, at))
    return path


def duck(tmp_path):
    return dlt.pipeline(
        "p", pipelines_dir=str(tmp_path / "pl"), destination=dlt.destinations.duckdb(str(tmp_path / "p.duckdb")), dataset_name="d"
    )


# -- listing

LISTINGS = recorded("filesystem_listing_and_readers")["data"]
LISTED = [name for name, case in LISTINGS.items() if isinstance(case, dict) and "files" in case]


@pytest.mark.parametrize("name", LISTED)
def test_patterns_fit_the_recorded_files(name, tmp_path, monkeypatch):
    folder = tmp_path / "b"
    names = {file for other in LISTED if other != "space dir" for file in LISTINGS[other]["files"]} | {"sub/f.csv", ".dot.csv", ".hid/h.csv"}
    for file in names - {".", "../a.csv"}:
        put(folder, file)
    monkeypatch.chdir(tmp_path)
    case = LISTINGS[name]
    arguments = {key: value.replace("{{DIR}}", str(folder)) for key, value in case["args"].items()}
    assert sorted(item["relative_path"] for item in filesystem(**arguments)) == sorted(case["files"])


def test_items_are_the_recorded_ones(tmp_path):
    expected = [item for item in LISTINGS["items"] if not item["file_name"].endswith((".xlsx", ".zip"))]
    for item in expected:
        at = datetime.fromisoformat(item["modification_date"]).timestamp()
        put(tmp_path, item["relative_path"], b"x" * item["size_in_bytes"], at)
    found = {item["relative_path"]: item for item in filesystem(str(tmp_path), file_glob="**/*")}
    for item in expected:
        own = {**found[item["relative_path"]]}
        own["modification_date"] = str(own["modification_date"])
        assert own == {**item, "file_url": item["file_url"].replace("{{DIR}}", str(tmp_path))}


def test_a_folder_that_changes_while_it_is_listed_is_no_error(tmp_path):
    put(tmp_path, "a.csv")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "folder.csv").mkdir()
    assert [item["file_name"] for item in glob_files(None, str(tmp_path), "*.csv")] == ["a.csv"]


def test_odd_names_are_found_and_opened(tmp_path):
    names = ["a [1].csv", "100%.csv", "ü#?.csv", "new\nline.csv"]
    for name in names:
        put(tmp_path / "[x]", name, "id\n1\n")
    items = list(filesystem(str(tmp_path / "[x]"), file_glob="*.csv"))
    assert sorted(item["file_name"] for item in items) == sorted(names)
    assert [item.read_bytes() for item in items] == [b"id\n1\n"] * len(names)
    assert sorted(item.local_file_path for item in items) == sorted(str(tmp_path / "[x]" / name) for name in names)


def test_items_go_to_other_processes(tmp_path):
    put(tmp_path, "a.txt", "x")
    (item,) = filesystem(str(tmp_path))
    again = pickle.loads(pickle.dumps(item))
    assert type(again) is FileItemDict and again == item and again.read_bytes() == b"x"


@pytest.mark.parametrize("name", ["fs_http_glob", "fs_http_glob_info"])
def test_files_of_a_web_server(name):
    case = recorded(name)
    answers = {(one["request"]["method"], one["request"]["path"]): one["response"] for one in case["exchanges"]}

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            found = answers.get((self.command, self.path)) or answers.get(("GET", self.path))
            self.send_response(found["status"] if found else 404)
            body = (found or {}).get("body", "").encode()
            for key, value in (found or {}).get("headers", {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_GET = do_HEAD = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        config = {key: value.replace("{{BASE_URL}}", base) if isinstance(value, str) else value for key, value in case["config"].items()}
        found = [dict(item) for item in filesystem(**config)]
    finally:
        server.shutdown()
        server.server_close()
    for item, expected in zip(found, case["result"], strict=True):
        # The reference doubles the scheme.
        expected["file_url"] = expected["file_url"].replace("http://{{BASE_URL}}", base)
        if expected["modification_date"] == "<now>":
            assert (datetime.now(timezone.utc) - item["modification_date"]).total_seconds() < 60
            item["modification_date"] = "<now>"
        assert {**item, "modification_date": str(item["modification_date"])} == expected


def test_files_in_memory(tmp_path):
    import fsspec

    client = fsspec.filesystem("memory")
    client.pipe({"/files/a.csv": b"id\n1\n", "/files/sub/b.csv.gz": gzip.compress(b"id\n2\n"), "/files/.c.csv": b"id\n3\n"})
    rows = list(filesystem("memory://files", file_glob="**/*.csv*") | read_csv())
    assert sorted(row["id"] for row in rows) == [1, 2]
    given = list(filesystem("memory://files", credentials=client))
    assert [item.fsspec is client for item in given] == [True]


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(ResourceExtractionError, match="pip install s3fs") as raised:
        list(filesystem("s3://bucket/x"))
    assert isinstance(raised.value.__cause__, MissingDependencyException)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingDependencyException, match="pip install fsspec gcsfs"):
        fsspec_filesystem("gs")


@pytest.mark.parametrize(
    ("url", "told"), [("", "is empty"), ("s3://", "names no bucket"), ("nope://x/y", "Protocol not known"), ("s3://u:secret@b/x", "s3fs")]
)
def test_places_that_are_none(url, told):
    with pytest.raises(Exception, match=told) as raised:
        list(filesystem(url))
    assert "secret" not in str(raised.value)


def test_local_files_need_no_library(tmp_path):
    """Without fsspec, pandas and pyarrow."""
    put(tmp_path, "a.jsonl.gz", gzip.compress(b'{"a": 1}\n'))
    code = (
        "import sys\n"
        "for name in ('fsspec', 'pandas', 'pyarrow'): sys.modules[name] = None\n"
        "from windlass.sources.filesystem import *\n"
        f"(item,) = filesystem({str(tmp_path)!r})\n"
        "print(item.open('r').read().strip(), type(item.fsspec).__name__, item.fsspec.exists(item.local_file_path))\n"
        f"print(list(filesystem({str(tmp_path)!r}) | read_jsonl()))\n"
        f"list(filesystem({str(tmp_path)!r}) | read_csv())\n"
    )
    environment = dict(os.environ, PYTHONPATH=str(pathlib.Path(dlt.__file__).parents[1]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == ['{"a": 1} LocalFiles True', "[{'a': 1}]"]
    assert "read_csv needs pandas: pip install pandas" in done.stderr


def test_the_own_client_does_what_fsspecs_does(tmp_path):
    from fsspec.implementations.local import LocalFileSystem

    put(tmp_path, "a/b/c.txt", "hello")
    put(tmp_path, "d.txt", "x")
    own, other = LocalFiles(), LocalFileSystem()
    root, file = str(tmp_path), f"{tmp_path}/a/b/c.txt"
    for call in (
        lambda client: sorted(client.ls(root, detail=False)),
        lambda client: sorted(info["name"] for info in client.ls(root, detail=True)),
        lambda client: client.find(root),
        lambda client: client.glob(f"{root}/**/*.txt"),
        lambda client: (client.exists(file), client.isdir(file), client.isfile(f"file://{file}"), client.size(file)),
        lambda client: {key: client.info(file)[key] for key in ("name", "size", "type")},
        lambda client: (client.read_bytes(file), client.read_bytes(file, 1, 3), client.read_bytes(file, -2), client.read_text(file)),
        lambda client: [(path, sorted(folders), files) for path, folders, files in client.walk(root)],
        lambda client: client.open(file, "rb").read(),
        lambda client: (client.pipe_file(file, b"new"), client.cat_file(file), bool(client.write_text(file, "hello") or 1)),
        lambda client: (client.cp_file(file, f"{root}/e"), client.mv(f"{root}/e", f"{root}/f"), client.rm(f"{root}/f")),
    ):
        assert call(own) == call(other)
    own.makedirs(f"{root}/x/y", exist_ok=True)
    with pytest.raises(ValueError, match="recursive"):
        own.rm(f"{root}/x")
    own.rm(f"{root}/x", recursive=True)
    assert not own.exists(f"{root}/x")


# -- readers


def test_unread_rows_are_the_rows_that_python_sees(tmp_path):
    """Loaded as they are, and loaded through a step that looks at them."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    put(tmp_path / "in", "a.csv", 'i,f,s,b,e,m\n1,1.5,"x, ""y""\né",True,,1\n2,,007,False,,a\n-3,1e300,,True,,2.5\n')
    put(tmp_path / "in", "b.jsonl", '{"i": 1, "n": {"k": [1, {"z": null}]}, "s": "\\u00e9\\ud83d\\ude00"}\n\n {"i": 1e3, "d": "2020-01-01"} \n')
    rows = {"i": [1, None], "u": pa.array([2**63, 1], pa.uint64()), "l": [[1, 2], None], "s": ["\x01\\", "é"]}
    pq.write_table(pa.table(rows), tmp_path / "in" / "c.parquet")
    tables = []
    for name in ("plain", "seen"):
        place = dlt.destinations.filesystem(str(tmp_path / name))
        pipeline = dlt.pipeline(name, pipelines_dir=str(tmp_path / "pl"), destination=place, dataset_name="d")
        for glob, reader, table in (("*.csv", read_csv(), "a"), ("*.jsonl", read_jsonl(), "b"), ("*.parquet", read_parquet(), "c")):
            piped = (filesystem(str(tmp_path / "in"), file_glob=glob) | reader).with_name(table)
            if name == "seen":
                piped.add_map(lambda row: dict(row))
            pipeline.run(piped)
        found = {}
        for path in sorted((tmp_path / name / "d").glob("[abc]*/*.jsonl.gz")):
            lines = [json.loads(line) for line in gzip.open(path).read().splitlines()]
            found[path.parent.name] = [{key: value for key, value in line.items() if not key.startswith("_dlt")} for line in lines]
        columns = {table: list(pipeline.default_schema.get_table_columns(table, include_incomplete=True)) for table in found}
        tables.append((found, columns))
    assert tables[0] == tables[1]
    assert sorted(tables[0][0]) == ["a", "b", "b__n__k", "c", "c__l"]


@pytest.mark.parametrize(
    ("content", "told"),
    [('{"a": 1}\n{"a": }\n', "line 2, is no JSON"), ('{"a": 1\n"b": 2}\n', "line 1, is no JSON"), (b'{"a": "\xff"}\n', "line 1")],
)
def test_a_broken_line_is_named(content, told, tmp_path):
    put(tmp_path / "in", "bad.jsonl", content)
    pipeline = duck(tmp_path)
    with pytest.raises(Exception, match=told) as raised:
        pipeline.run(filesystem(str(tmp_path / "in")) | read_jsonl())
    assert "bad.jsonl" in str(raised.value) and raised.value.step == "extract"
    assert not pipeline.has_pending_data


def test_blank_lines_and_marks_are_skipped(tmp_path):
    put(tmp_path, "a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}\n\n')
    put(tmp_path, "b.jsonl", b"")
    assert list(filesystem(str(tmp_path)) | read_jsonl(chunksize=1)) == [{"a": 1}, {"a": 2}]


def test_a_reader_in_an_unpacked_and_in_a_text_file(tmp_path):
    put(tmp_path, "a.csv.gz", gzip.compress("a\né\n".encode("latin-1")))
    items = filesystem(str(tmp_path))
    assert list(items | read_csv(encoding="latin-1")) == [{"a": "é"}]
    content = filesystem(str(tmp_path), extract_content=True)
    assert list(content | read_csv(encoding="latin-1")) == [{"a": "é"}]


def test_duckdb_reads_csv_with_types_of_whole_files(tmp_path):
    put(tmp_path, "a.csv", "i,d,s\n1,2024-01-01,007\n2,2024-01-02,\n")
    put(tmp_path, "b.csv", "")
    rows = list(filesystem(str(tmp_path)) | read_csv_duckdb(chunk_size=1, filename=True))
    assert [[row["i"], str(row["d"]), row["s"], row["filename"]] for row in rows] == [
        [1, "2024-01-01", "007", "a.csv"],
        [2, "2024-01-02", None, "a.csv"],
    ]
    batches = list(filesystem(str(tmp_path), file_glob="a.csv") | read_csv_duckdb(use_pyarrow=True))
    assert [batch.num_rows for batch in batches] == [2]


def test_a_page_has_files():
    with pytest.raises(ResourceExtractionError, match="at least one file"):
        list(filesystem("/tmp", files_per_page=0))


# -- new files only

RUNS = {case["name"]: case for case in recorded("filesystem_incremental_runs")["cases"]}


@pytest.mark.parametrize("name", sorted(RUNS))
def test_runs_read_the_recorded_files(name, tmp_path, monkeypatch):
    case = RUNS[name]
    config = case["config"]
    folder = tmp_path / "in"
    folder.mkdir()
    pipeline = duck(tmp_path)
    for number, run in enumerate(case["runs"]):
        for file in run["files_written_before"]:
            put(folder, file["name"], file["content"], file["mtime_epoch"])
        cursor = dlt.sources.incremental(**config.get("incremental", {"cursor_path": "modification_date"}))
        if config.get("source") == "readers":
            data = readers(str(folder), incremental=cursor).with_resources(config["resource"])
        else:
            options = {key: config[key] for key in ("files_per_page",) if key in config}
            data = filesystem(str(folder), incremental=cursor, **options)
            if "add_limit" in config:
                data.add_limit(config["add_limit"])
            if "pipe" in config:
                data = (data | read_csv()).with_name(config["with_name"])
        info = pipeline.run(data)
        assert info.is_empty == run["is_empty"], number
        loads = pipeline.dataset().load_ids() if not run["is_empty"] else []
        for table, rows in run["loaded"].items():
            found = pipeline.dataset().table(table).from_loads([loads[-1]]).arrow().to_pylist()
            own = [{key: row[key] for key in rows[0]} for row in found] if rows else found
            expected = json.loads(json.dumps(rows).replace("{{DIR}}", str(folder)))
            plain = json.loads(json.dumps(own, default=str))
            order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
            assert sorted(plain, key=order) == sorted(expected, key=order), number
        state = pipeline.state.get("sources", {})
        resources = {key: value for source in state.values() for key, value in source.get("resources", {}).items()}
        for resource, cursors in run["incremental_state"].items():
            for path, expected in cursors.items():
                found = resources[resource]["incremental"][path]
                assert str(found["last_value"]) == expected["last_value"].replace("/data/files/inc", str(folder)), number
                assert len(found["unique_hashes"]) == expected["unique_hashes"], number
