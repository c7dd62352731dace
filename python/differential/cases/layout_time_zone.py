"""A time of another zone."""

from _layout import load


def run(dlt, workdir):
    from datetime import timedelta, timezone

    try:
        from pendulum import datetime

        now = datetime(2024, 2, 3, 1, 5, 6, tz="Asia/Tokyo")
    except ImportError:
        from datetime import datetime

        now = datetime(2024, 2, 3, 1, 5, 6, tzinfo=timezone(timedelta(hours=9)))
    return load(dlt, workdir, "{table_name}/{DD}T{HH}-{timestamp_ms}.{file_id}.{ext}", current_datetime=now)
