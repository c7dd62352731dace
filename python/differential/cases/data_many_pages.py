"""Data many pages."""

from _base import duck


def run(dlt, workdir):
    def items():
        for i in range(50):
            yield [{"i": i * 100 + j, "s": str(j)} for j in range(100)]
    p = duck(dlt, workdir)
    p.run(items)
    return p
