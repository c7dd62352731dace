"""Layouts that cannot be."""

from _base import failure
from _layout import load


def run(dlt, workdir):
    layouts = ["{x}/{table_name}/{file_id}.{ext}", "{table_name}/{nope}.{ext}", "{file_id}.{ext}", "{table_name}{file_id}.{ext}"]
    return [failure(load, dlt, workdir, layout, extra_placeholders={"x": "1"}) for layout in layouts]
