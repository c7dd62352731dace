"""Step filter pages."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource
    def t():
        for i in range(3):
            yield [{"i": i, "j": j} for j in range(3)]
    p = duck(dlt, workdir)
    p.run(t().add_filter(lambda row: row["i"] == row["j"]))
    return p
