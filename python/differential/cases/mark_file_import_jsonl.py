"""Mark file import jsonl."""

from _base import duck


def run(dlt, workdir):
    import json, pathlib
    path = pathlib.Path(workdir) / "x.jsonl"
    path.write_text("\n".join(json.dumps({"a": i}) for i in range(3)))
    @dlt.resource(columns={"a": {"data_type": "bigint"}})
    def t():
        yield dlt.mark.with_file_import(str(path), "jsonl", 3)
    p = duck(dlt, workdir)
    p.run(t())
    return [p.dataset().t.select("a").fetchall()]
