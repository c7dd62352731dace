"""CSV and JSON lines as they are written: what is nothing, what is a text, which file and line is wrong."""

import gzip
import json
import resource

import pytest

import windlass as dlt
from windlass.sources.filesystem import filesystem, read_csv, read_csv_duckdb, read_jsonl, read_parquet
from windlass.sources.filesystem.texts import PIECE_BYTES


@pytest.fixture
def loaded(tmp_path, pipeline):
    """Loads a file and gives its rows; `None` is null."""

    def load(content, reader, name="a.csv"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(content)
        pipeline.run((filesystem(str(tmp_path / "in"), file_glob="*") | reader).with_name("t"))
        rows = pipeline.dataset()["t"].arrow().to_pylist()
        return [{key: value for key, value in row.items() if not key.startswith("_dlt")} for row in rows]

    return load


def read(tmp_path, content, reader, name="a.csv"):
    (tmp_path / name).write_bytes(content)
    return list(filesystem(str(tmp_path), file_glob=name) | reader)


def test_an_integer_beside_an_empty_field_is_not_rounded(loaded):
    rows = loaded(b"a,c\n9007199254740993,1\n,2\n", read_csv())
    assert sorted(rows, key=lambda row: row["c"]) == [{"a": 9007199254740993, "c": 1}, {"a": None, "c": 2}]


def test_integers_of_any_size_stay_integers(tmp_path):
    rows = read(tmp_path, b"a,b\n99999999999999999999,1\n1,\n", read_csv())
    assert rows[0] == {"a": 99999999999999999999, "b": 1} and rows[1]["a"] == 1 and rows[1]["b"] != rows[1]["b"]


def test_words_and_quotes_of_nothing_in_a_column_of_texts_are_texts(loaded):
    rows = loaded(b'n,c\n1,NA\n2,DE\n3,""\n4,\n5,null\n6,"a,"""",b"\n', read_csv())
    texts = {row["n"]: row["c"] for row in rows}
    assert texts == {1: "NA", 2: "DE", 3: "", 4: None, 5: "null", 6: 'a,"",b'}


def test_words_of_nothing_in_a_column_of_numbers_are_null(loaded):
    rows = loaded(b'n,i,f,b\n1,5,NaN,True\n2,NA,1.5,""\n3,"",,null\n', read_csv())
    assert sorted(rows, key=lambda row: row["n"]) == [
        {"n": 1, "i": 5, "f": None, "b": True},
        {"n": 2, "i": None, "f": 1.5, "b": None},
        {"n": 3, "i": None, "f": None, "b": None},
    ]


def test_words_of_nothing_alone_in_a_later_chunk_of_numbers_are_null(tmp_path):
    rows = read(tmp_path, b"a\n1\n2\nNA\nNA\n", read_csv(chunksize=2))
    assert [row["a"] for row in rows[:2]] == [1, 2] and all(row["a"] != row["a"] for row in rows[2:])


@pytest.mark.parametrize("options", [{"keep_default_na": True}, {"na_values": ["DE"], "keep_default_na": False}])
def test_options_of_pandas_about_nothing_are_heeded(tmp_path, options):
    rows = read(tmp_path, b"c,n\nNA,1\nDE,2\n", read_csv(**options))
    assert [row["c"] == row["c"] for row in rows] == [options["keep_default_na"] is False, options["keep_default_na"]]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_quotes_are_looked_at_wherever_a_piece_of_a_file_ends(tmp_path, separator):
    row = separator.join(['"a%d"', '"x""y"', "", '""', '"é\n"', "1.5", 'in"ch']) + "\r\n"
    count = 3 * PIECE_BYTES // len(row)
    text = separator.join("abcdefg") + "\r\n" + "".join(row % number for number in range(count))
    rows = read(tmp_path, text.encode(), read_csv(sep=separator))
    assert len(rows) == count
    for number, found in enumerate(rows):
        assert found.pop("c") != found.get("c")
        assert found == {"a": f"a{number}", "b": 'x"y', "d": "", "e": "é\n", "f": 1.5, "g": 'in"ch'}


def test_a_header_that_is_an_empty_text_has_the_name_that_pandas_gives(tmp_path):
    assert read(tmp_path, b'"",b\n1,2\n', read_csv()) == [{"Unnamed: 0": 1, "b": 2}]


def test_columns_of_one_name_are_refused(tmp_path, loaded, monkeypatch):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a b": [1], "a_b": [2]}), tmp_path / "x.parquet")
    parquet = (tmp_path / "x.parquet").read_bytes()
    for number, (content, reader) in enumerate(
        [(b"a b,a_b\n1,2\n", read_csv()), (parquet, read_parquet()), (b"a b,a_b\n1,2\n", read_csv_duckdb())]
    ):
        with pytest.raises(Exception, match="two columns are called `a_b`.*`a b` and `a_b`"):
            loaded(content, reader)
    renamed = read_csv().add_map(lambda row: {"first": row["a b"], "second": row["a_b"]})
    assert loaded(b"a b,a_b\n1,2\n", renamed) == [{"first": 1, "second": 2}]


def test_columns_of_one_name_are_numbered_if_that_is_wanted(loaded, monkeypatch):
    monkeypatch.setenv("SCHEMA__COLLISIONS", "number")
    assert sorted(loaded(b"a b,a_b\n1,2\n", read_csv())[0].values()) == [1, 2]


@pytest.mark.parametrize("text", ['a,b\n1,x\n2,"y\n3,z\n', 'a,b\n1,x\n2,"' + "y\n" * 200_000])
def test_a_quote_that_is_not_closed_is_named_by_file_and_line(tmp_path, text):
    with pytest.raises(Exception, match=r"a\.csv, line 3: a quote opens here"):
        read(tmp_path, text.encode(), read_csv())


@pytest.mark.parametrize(("reader", "name", "content"), [
    (read_csv, "a.csv", "a,b\n1,x\n2,café\n"),
    (read_jsonl, "a.jsonl", '{"a":1}\n{"a":2}\n{"a":"café"}\n'),
])
def test_bytes_that_are_not_utf8_are_named_with_a_likely_encoding(tmp_path, reader, name, content):
    with pytest.raises(Exception, match=rf"{name}, line 3, is not .*windows-1252"):
        read(tmp_path, content.encode("latin-1"), reader(), name)
    assert "café" in read(tmp_path, content.encode("latin-1"), reader(encoding="windows-1252"), name)[-1].values()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(("reader", "name", "content"), [
    (read_csv, "a.csv", "abc,def\n1,é\n"), (read_jsonl, "a.jsonl", '{"abc":1,"def":"é"}\n'),
])
def test_wide_characters_are_read_by_their_mark_or_by_name(tmp_path, reader, name, content, encoding):
    with pytest.raises(Exception, match=f"looks like {encoding}"):
        read(tmp_path, content.encode(encoding), reader(), name)
    expected = [{"abc": 1, "def": "é"}]
    assert read(tmp_path, content.encode(encoding), reader(encoding=encoding), name) == expected
    assert read(tmp_path, ("\ufeff" + content).encode(encoding), reader(), name) == expected
    assert read(tmp_path, ("\ufeff" + content).encode(encoding), reader(encoding=encoding), name) == expected


@pytest.mark.parametrize("lines", [1, 2, 5000])
def test_lines_in_another_encoding_are_read_in_chunks(tmp_path, lines):
    text = "".join(json.dumps({"n": number, "s": "é" * 20}, ensure_ascii=False) + "\n" for number in range(lines))
    rows = read(tmp_path, text.encode("utf-16"), read_jsonl(chunksize=2), "a.jsonl")
    assert rows == [{"n": number, "s": "é" * 20} for number in range(lines)]


@pytest.mark.parametrize(("reader", "name", "start", "end"), [
    (read_csv, "a.csv.gz", b'a,b\n1,"', b'"\n'),
    (read_csv, "a.csv.gz", b"a,b\n1,", b"\n"),
    (read_jsonl, "a.jsonl.gz", b'{"a":"', b'"}\n'),
])
def test_a_record_that_is_too_long_is_refused_before_it_is_read(tmp_path, reader, name, start, end):
    with gzip.open(tmp_path / name, "wb", 1) as file:
        file.write(start)
        for _ in range(300):
            file.write(b"x" * 1_000_000)
        file.write(end)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Exception, match=r"line \d.* longer than 32 MiB.*extract.max_record_bytes"):
        list(filesystem(str(tmp_path), file_glob=name) | reader())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


@pytest.mark.parametrize("where", ["environment", "config.toml", "dlt.config"])
@pytest.mark.parametrize("is_file", [False, True])
def test_the_limit_of_a_record_is_a_setting(tmp_path, pipeline, monkeypatch, where, is_file):
    if where == "environment":
        monkeypatch.setenv("EXTRACT__MAX_RECORD_BYTES", "1KB")
    elif where == "config.toml":
        (tmp_path / ".dlt").mkdir()
        (tmp_path / ".dlt" / "config.toml").write_text('[extract]\nmax_record_bytes = "1KB"\n')
    else:
        monkeypatch.setattr(dlt.config.writable_provider, "_overlay", {})
        dlt.config["extract.max_record_bytes"] = "1KB"
    record = {"a": "x" * 5000}
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    data = filesystem(str(tmp_path), file_glob="*.jsonl") | read_jsonl() if is_file else [record]
    with pytest.raises(Exception, match="longer than 1 KiB.*"):
        pipeline.run(data, table_name="t")


def test_a_limit_that_is_no_size_is_refused(tmp_path, pipeline, monkeypatch):
    monkeypatch.setenv("EXTRACT__MAX_RECORD_BYTES", "64XB")
    (tmp_path / "a.jsonl").write_text("{}\n")
    for data in ([{"a": 1}], filesystem(str(tmp_path), file_glob="*.jsonl") | read_jsonl()):
        with pytest.raises(Exception, match="64XB"):
            pipeline.run(data, table_name="t")


@pytest.mark.parametrize("options", [{}, {"sep": r"\s*,"}, {"sep": None}])
def test_other_engines_of_pandas_read_as_well(tmp_path, options):
    options = {**options, "engine": "python"}
    assert read(tmp_path, b"a,b\n1,x\n", read_csv(**options)) == [{"a": 1, "b": "x"}]
    with pytest.raises(Exception, match="a.csv, line 2, is not utf-8"):
        read(tmp_path, b"a,b\n1,caf\xe9\n", read_csv(**options))


def test_rows_with_more_fields_than_the_header_lose_none(tmp_path):
    with pytest.raises(Exception, match="a.csv: rows have more fields than the header"):
        read(tmp_path, b"a,b\n1,2,3\n", read_csv())
    assert read(tmp_path, b"a,b\n1,2,3\n", read_csv(names=["a", "b", "c"], header=0)) == [{"a": 1, "b": 2, "c": 3}]


@pytest.mark.parametrize(("reader", "name", "content"), [
    (read_csv, "a.csv", b""),
    (read_csv, "a.csv.gz", gzip.compress(b"a,b\n" * 1000)[:40]),
    (read_jsonl, "a.jsonl.gz", b"no gzip"),
    (read_parquet, "a.parquet", b"no parquet"),
    (read_csv_duckdb, "a.csv", b"a,b\n1,caf\xe9\n"),
    (read_csv_duckdb, "a.csv", "a,b\n1,2\n".encode("utf-16-le")),
])
def test_a_file_that_is_broken_is_named(tmp_path, reader, name, content):
    with pytest.raises(Exception, match=f"{tmp_path}/{name}"):
        read(tmp_path, content, reader(), name)


@pytest.mark.parametrize("stray", ["", 'in"ch', '5"'])
@pytest.mark.parametrize("text", ['""', '"a,"",b"', '"a"",""b"', '""""', '"\n"""'])
def test_an_empty_text_is_found_beside_quotes_of_any_kind(tmp_path, text, stray):
    content = f'a,b,c,d\n{stray}x,{text},"",\n"",{text},,{stray}\n'
    rows = read(tmp_path, content.encode(), read_csv())
    plain = {'""': "", '"a,"",b"': 'a,",b', '"a"",""b"': 'a","b', '""""': '"', '"\n"""': '\n"'}[text]
    assert [row["b"] for row in rows] == [plain, plain]
    assert rows[0]["c"] == "" and rows[1]["c"] != rows[1]["c"] and rows[1]["a"] == "" and rows[0]["a"] == f"{stray}x"
