"""Data enum uuid."""

from _base import duck


def run(dlt, workdir):
    import enum, uuid
    class C(enum.Enum):
        X = "x"
    p = duck(dlt, workdir)
    p.run([{"c": C.X, "u": uuid.UUID(int=7)}], table_name="t")
    return p
