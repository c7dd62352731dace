"""Placeholders with fixed values."""

from _layout import load


def run(dlt, workdir):
    from datetime import date, datetime

    extra = {"num": 1, "text": "sS", "frac": 1.5, "flag": True, "none": None, "day": date(2020, 1, 1), "at": datetime(2020, 1, 1)}
    layout = "{table_name}/{num}.{text}.{frac}.{flag}.{none}.{day}.{at}.{file_id}.{ext}"
    return load(dlt, workdir, layout, extra_placeholders=extra)
