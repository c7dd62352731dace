"""Times in names."""

from _layout import load


def run(dlt, workdir):
    try:
        from pendulum import datetime
    except ImportError:
        from datetime import datetime

    layout = "{table_name}/{YYYY}-{MM}-{DD}T{HH}{mm}{ss}/{MMMM}.{Q}.{dddd}.{timestamp_ms}.{file_id}.{ext}"
    return load(dlt, workdir, layout, current_datetime=datetime(2024, 2, 3, 4, 5, 6))
