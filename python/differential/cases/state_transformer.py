"""State transformer."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def a():
        yield from [1, 2]
    @dlt.transformer(data_from=a)
    def b(x):
        state = dlt.current.resource_state()
        state["sum"] = state.get("sum", 0) + x
        yield {"s": state["sum"]}
    p = duck(dlt, workdir)
    p.run(b)
    return p
