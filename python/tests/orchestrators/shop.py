"""A source that all checks load: orders by day, and customers with their visits."""

from datetime import datetime, timedelta, timezone

import windlass as dlt

FIRST = datetime(2024, 1, 1, tzinfo=timezone.utc)
DAYS = 5


@dlt.source
def shop():
    @dlt.resource(primary_key="id", write_disposition="merge")
    def orders(made_at=dlt.sources.incremental("made_at", initial_value=FIRST)):
        """Orders, two of each day."""
        for number in range(2 * DAYS):
            yield {"id": number, "made_at": FIRST + timedelta(hours=12 * number), "lines": [{"item": "x"}, {"item": "y"}]}

    @dlt.resource(write_disposition="replace")
    def customers():
        """Customers."""
        yield [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bob"}, {"id": 3, "name": "Cy"}]

    @dlt.transformer(write_disposition="replace")
    def visits(customer):
        for one in customer:
            yield {"customer": one["id"]}

    people = customers()
    return orders(), people, people | visits


def rows(path, sql):
    """What a query of a DuckDB file gives."""
    import duckdb

    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()
