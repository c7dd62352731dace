"""State source."""

from _base import duck


def run(dlt, workdir):
    @dlt.source
    def s():
        @dlt.resource
        def t():
            state = dlt.current.source_state()
            state.setdefault("seen", []).append(1)
            yield {"n": len(state["seen"])}
        return t
    p = duck(dlt, workdir)
    p.run(s())
    p.run(s())
    return p
