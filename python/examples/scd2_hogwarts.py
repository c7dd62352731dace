"""Slowly changing dimensions: a row that changes is closed, and a new one opens. Runs offline."""

import windlass as dlt

STUDENTS = [
    {"name": "Vincent Crabbe", "designation": "student", "date_started": "1991-09-01T09:00:00Z"},
    {"name": "Gregory Goyle", "designation": "student", "date_started": "1991-09-01T09:00:00Z"},
    {"name": "Draco Malfoy", "designation": "student", "date_started": "1991-09-01T09:00:00Z"},
]


@dlt.resource(write_disposition={"disposition": "merge", "strategy": "scd2"})
def creatures(rows):
    yield rows


def main():
    pipeline = dlt.pipeline("hogwarts", destination=dlt.destinations.duckdb("hogwarts.duckdb"), dataset_name="school")
    pipeline.run(creatures(STUDENTS))
    expelled = [*STUDENTS[:2], {**STUDENTS[2], "designation": "expelled"}]
    print(pipeline.run(creatures(expelled)))
    columns = ("name", "designation", "_dlt_valid_from", "_dlt_valid_to")
    rows = pipeline.dataset().creatures.select(*columns).order_by("name").order_by("_dlt_valid_from").fetchall()
    for row in rows:
        print(row)
    return rows


if __name__ == "__main__":
    main()
