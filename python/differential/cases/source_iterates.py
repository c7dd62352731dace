"""Source iterates."""

def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([[{"a": 1}, {"a": 2}], {"a": 3}], name="x")
    return [list(s())]
