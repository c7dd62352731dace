"""Data dataclass."""

from _base import duck


def run(dlt, workdir):
    import dataclasses, datetime
    @dataclasses.dataclass
    class Row:
        id: int
        when: datetime.date
    p = duck(dlt, workdir)
    p.run([Row(1, datetime.date(2020, 1, 1)), Row(2, datetime.date(2021, 1, 1))], table_name="t")
    return p
