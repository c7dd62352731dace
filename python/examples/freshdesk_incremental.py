"""Tickets that changed since the last run, merged by their id. Runs offline: the tickets are in this script."""

import windlass as dlt

TICKETS = [
    {"id": 1, "subject": "printer", "status": 2, "updated_at": "2024-05-01T08:00:00Z"},
    {"id": 2, "subject": "network", "status": 2, "updated_at": "2024-05-02T08:00:00Z"},
]


def api(updated_since):
    """The tickets that changed since a time, a page of one."""
    for ticket in sorted(TICKETS, key=lambda ticket: ticket["updated_at"]):
        if ticket["updated_at"] >= updated_since:
            yield [dict(ticket)]


@dlt.source
def freshdesk():
    @dlt.resource(primary_key="id", write_disposition="merge")
    def tickets(
        updated_at=dlt.sources.incremental("updated_at", initial_value="2022-01-01T00:00:00Z", row_order="asc"),
    ):
        asked.append(updated_at.last_value)
        yield from api(updated_at.last_value)

    return tickets


asked = []


def main():
    pipeline = dlt.pipeline("freshdesk", destination=dlt.destinations.duckdb("freshdesk.duckdb"), dataset_name="support")
    pipeline.run(freshdesk())
    TICKETS[0].update(status=5, updated_at="2024-05-03T08:00:00Z")
    print(pipeline.run(freshdesk()))
    rows = pipeline.dataset().tickets.select("id", "status").order_by("id").fetchall()
    print(asked, rows)
    return asked, rows


if __name__ == "__main__":
    main()
