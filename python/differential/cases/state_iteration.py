"""State iteration."""

def run(dlt, workdir):
    @dlt.resource
    def t():
        dlt.current.resource_state()["x"] = 1
        yield {"a": dlt.current.resource_state()["x"]}
    return [list(t())]
