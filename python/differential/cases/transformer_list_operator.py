"""Transformer list operator."""

from _base import duck


def run(dlt, workdir):
    @dlt.transformer
    def double(item):
        yield {"v": item * 2}
    p = duck(dlt, workdir)
    p.run([1, 2, 3] | double)
    return [sorted(p.dataset().double.select("v").fetchall())]
