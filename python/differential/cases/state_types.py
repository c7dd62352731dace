"""State types."""

from _base import duck


def run(dlt, workdir):
    import datetime as dt, decimal
    @dlt.resource
    def t():
        state = dlt.current.resource_state()
        yield {"is": "at" in state and isinstance(state["at"], dt.datetime)}
        state.update(at=dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc), d=decimal.Decimal("1.5"))
    p = duck(dlt, workdir)
    p.run(t())
    p.run(t())
    return p
