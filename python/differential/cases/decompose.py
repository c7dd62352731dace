"""Decompose."""

def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([1], name="x"), dlt.resource([2], name="y")
    return [len(s().decompose("none")), sorted(list(x.selected_resources)[0] for x in s().decompose("scc"))]
