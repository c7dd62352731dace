"""State replace resets."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(write_disposition="replace")
    def t():
        state = dlt.current.resource_state()
        yield {"n": state.get("n", 0)}
        state["n"] = 5
    p = duck(dlt, workdir)
    p.run(t())
    p.run(t())
    return p
