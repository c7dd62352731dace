"""A placeholder whose function raises."""

from _base import failure
from _layout import load


def run(dlt, workdir):
    def broken(*args):
        raise ValueError("mine")

    return [failure(load, dlt, workdir, "{table_name}/{x}.{file_id}.{ext}", extra_placeholders={"x": broken})]
