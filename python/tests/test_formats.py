"""Files as they come: odd names, links, encodings, equal keys, quotes that are not closed."""

import glob
import gzip
import os
from pathlib import Path

import pytest

import windlass as dlt
from windlass.extract.exceptions import ResourceExtractionError
from windlass.pipeline.exceptions import PipelineStepFailed
from windlass.sources.filesystem import filesystem, read_csv, read_jsonl


def duck(tmp_path):
    destination = dlt.destinations.duckdb(str(tmp_path / "p.duckdb"))
    return dlt.pipeline("p", pipelines_dir=str(tmp_path / "pl"), destination=destination, dataset_name="d")


def test_names_that_are_not_utf8_are_read(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"a":1}\n')
    with open(os.path.join(os.fsencode(folder), b"caf\xe9.jsonl"), "wb") as file:
        file.write(b'{"a":2}\n')
    items = list(filesystem(str(folder), file_glob="*.jsonl"))
    assert sorted(item["file_name"] for item in items) == ["a.jsonl", "caf\ufffd.jsonl"]
    assert items[0]["file_url"].isascii() and items[1]["file_url"].isascii()
    assert sorted(row["a"] for row in filesystem(str(folder), file_glob="*.jsonl") | read_jsonl()) == [1, 2]
    pipeline = duck(tmp_path)
    pipeline.run(filesystem(str(folder), file_glob="*.jsonl"))
    assert len(pipeline.dataset()["filesystem"].fetchall()) == 2


def test_loops_of_links_end(tmp_path):
    folder = tmp_path / "in"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "a.jsonl").write_text('{"a":1}\n')
    (folder / "x" / "up").symlink_to("..")
    names = sorted(item["relative_path"] for item in filesystem(str(folder), file_glob="**/*.jsonl"))
    assert names == ["x/a.jsonl"]
    # Paths through several of them are too many to look at each.
    for name in "bcd":
        (folder / name).symlink_to(".")
    names = sorted(item["relative_path"] for item in filesystem(str(folder), file_glob="**/**/*.jsonl"))
    assert names == ["x/a.jsonl"]


def test_patterns_find_what_those_of_python_find(tmp_path):
    for name in ["a.csv", "b.json", "x/c.csv", "x/y/d.csv", ".e.csv", ".z/f.csv", "x/[1].csv", "g.csv/h"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    patterns = ["*", "*.csv", "**", "**/*.csv", "**/y/**/*.csv", "x/*", "./x//c.csv", "x/[[]1].csv", "[ab].*", ".*", "a**"]
    patterns += ["**/**.csv", "x**", "nothing/*", "x/c.csv", "*/*", "**/**", ".z/*", "*/y/*", "[!a]*"]
    for pattern in patterns:
        found = {item["relative_path"] for item in filesystem(str(tmp_path), file_glob=pattern)}
        right = glob.glob(os.path.join(glob.escape(str(tmp_path)), pattern), recursive=True)
        assert found == {os.path.relpath(name, tmp_path) for name in right if os.path.isfile(name)}, pattern
    with pytest.raises(ResourceExtractionError, match="leads out of bucket_url"):
        list(filesystem(str(tmp_path / "x"), file_glob="/etc/*"))


def test_a_url_says_blanks_by_their_numbers(tmp_path):
    folder = tmp_path / "my dir"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"a":1}\n')
    url = Path(folder).as_uri()
    assert "my%20dir" in url
    assert [row["a"] for row in filesystem(url, file_glob="*") | read_jsonl()] == [1]


def test_gzip_files_may_be_padded_with_zeros(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"a":1}\n') + bytes(5000))
    assert [row["a"] for row in filesystem(str(tmp_path), file_glob="*.gz") | read_jsonl()] == [1]


def test_of_equal_keys_the_last_counts(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    lines = [
        '{"id":1,"a":{"x":1},"a":{"y":2}}',
        '{"id":2,"a":{"x":1},"a":5}',
        '{"id":3,"a":5,"a":{"x":1}}',
        '{"id":4,"a":{"x":1},"a":null}',
        '{"id":5,"a":6,"a":[1]}',
        '{"id":6,"a":{"l":[1]},"a":{"l":[2,3]}}',
    ]
    (folder / "a.jsonl").write_text("\n".join(lines))
    pipeline = duck(tmp_path)
    pipeline.run(filesystem(str(folder), file_glob="*") | read_jsonl())
    with pipeline.sql_client() as client:
        rows = client.execute_sql("SELECT id, a, a__x, a__y FROM _read_jsonl ORDER BY id")
        assert rows == [(1, None, None, 2), (2, 5, None, None), (3, None, 1, None)] + [(n, None, None, None) for n in (4, 5, 6)]
        assert client.execute_sql("SELECT value FROM _read_jsonl__a") == [(1,)]
        assert client.execute_sql("SELECT value FROM _read_jsonl__a__l ORDER BY value") == [(2,), (3,)]


@pytest.mark.parametrize("line", ['{"a":"x\ty"}', '{"a":1,}', '{"a":01}', '{"a":1}{"a":2}', '{"a":"\\ud800"', "{'a':1}"])
def test_lines_that_are_no_json_name_file_and_line(tmp_path, line):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"a":0}\n' + line + "\n")
    with pytest.raises(PipelineStepFailed, match="line 2"):
        duck(tmp_path).run(filesystem(str(folder), file_glob="*") | read_jsonl())


@pytest.mark.parametrize("text", ['id,n\n1,"abc\n2,d\n3,e\n', 'id,"n\n1,a\n2,b\n'])
def test_a_quote_that_is_not_closed_is_an_error(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ResourceExtractionError, match="EOF inside string|No columns|EOF"):
        list(filesystem(str(tmp_path), file_glob="*.csv") | read_csv())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_characters_are_refused_by_their_name(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("id,name\n1,abc\n2,def\n".encode(encoding))
    with pytest.raises(ResourceExtractionError, match=f"it looks like {encoding}"):
        list(filesystem(str(tmp_path), file_glob="*.csv") | read_csv())
    rows = list(filesystem(str(tmp_path), file_glob="*.csv") | read_csv(encoding=encoding))
    assert [row["name"] for row in rows] == ["abc", "def"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_csv_end_in_any_way(tmp_path, end):
    (tmp_path / "a.csv").write_bytes(end.join(["id,s", "1,a", "2,b", ""]).encode())
    assert [(row["id"], row["s"]) for row in filesystem(str(tmp_path), file_glob="*.csv") | read_csv()] == [(1, "a"), (2, "b")]
