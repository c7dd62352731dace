"""Placeholders from settings."""

from _layout import load


def run(dlt, workdir):
    import os

    os.environ["DESTINATION__FILESYSTEM__EXTRA_PLACEHOLDERS"] = '{"team": "core", "flag": true}'
    os.environ["DESTINATION__FILESYSTEM__LAYOUT"] = "{table_name}/{team}.{flag}.{file_id}.{ext}"
    return load(dlt, workdir, None)
