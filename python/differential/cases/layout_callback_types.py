"""What functions of placeholders may return."""

from _layout import load


def run(dlt, workdir):
    from datetime import date, datetime

    extra = {"i": lambda *_: 5, "n": lambda *_: None, "t": lambda *_: datetime(2020, 1, 1), "up": lambda *_: "Ab/cD"}
    extra["day"] = lambda *_: date(2020, 1, 1)
    return load(dlt, workdir, "{table_name}/{i}.{n}.{t}.{up}.{day}.{file_id}.{ext}", extra_placeholders=extra)
