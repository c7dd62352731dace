"""Fs layout."""

from _base import folder


def run(dlt, workdir):
    p = folder(dlt, workdir, layout="{schema_name}/{table_name}/{file_id}.{ext}"); p.run([{"a": 1}], table_name="t"); return [p.default_schema_name]
