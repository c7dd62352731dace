"""Source attributes."""

def run(dlt, workdir):
    @dlt.source
    def s():
        return dlt.resource([{"a": 1}], name="x"), dlt.resource([{"b": 1}], name="y", selected=False)
    src = s()
    return [list(src.resources), list(src.selected_resources), src.name, src.x.name, src.resources["y"].selected]
