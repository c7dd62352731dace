"""State resource."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        state = dlt.current.resource_state()
        state["n"] = state.get("n", 0) + 1
        yield {"n": state["n"]}
    p = duck(dlt, workdir)
    p.run(t())
    p.run(t())
    return p
