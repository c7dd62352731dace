"""A function that tells the time."""

from _layout import load


def run(dlt, workdir):
    try:
        from pendulum import datetime
    except ImportError:
        from datetime import datetime

    calls = []

    def now():
        calls.append(1)
        return datetime(2024, 2, 3, 4, 5, 6)

    p = load(dlt, workdir, "{table_name}/{curr_date}/{HH}.{file_id}.{ext}", current_datetime=now)
    return [p, bool(calls)]
