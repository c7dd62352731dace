"""Resource iterates."""

def run(dlt, workdir):
    return [list(dlt.resource([[1, 2], 3], name="x")), list(dlt.resource([{"a": 1}], name="y").add_map(lambda r: r["a"]))]
