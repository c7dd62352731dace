"""A placeholder whose function takes other arguments."""

from _base import failure
from _layout import load


def run(dlt, workdir):
    def short(table_name):
        return table_name

    return [failure(load, dlt, workdir, "{table_name}/{x}.{file_id}.{ext}", extra_placeholders={"x": short})]
