"""Config types."""

from _base import duck


def run(dlt, workdir):
    import os
    os.environ.update(A="0x10", B="yes", C="1.5", D="[1,2]", E='{"x":1}', F="(1, 2)")
    @dlt.source
    def s(a: int = 0, b: bool = False, c: float = 0.0, d: list = None, e: dict = None, f: tuple = None):
        return dlt.resource([{"a": a, "b": b, "c": c, "d": len(d), "e": e["x"], "f": len(f)}], name="t")
    p = duck(dlt, workdir)
    p.run(s())
    return p
