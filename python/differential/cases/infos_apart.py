"""What steps tell that are called one by one, and where there is nothing to do."""

from _base import duck
from _printed import forms, printed


def run(dlt, workdir):
    p = duck(dlt, workdir)
    nothing = [p.normalize(), p.load(), p.run()]
    extract = p.extract([{"a": 1}], table_name="t")
    normalize = p.normalize()
    load = p.load()
    again = p.load()
    steps = [step.step for step in p.last_trace.steps]
    return [
        nothing,
        forms(extract),
        forms(normalize),
        forms(load),
        printed(str(again)),
        again.is_empty,
        again.has_failed_jobs,
        steps,
        printed(str(p.normalize())),
        printed(str(p.run([], table_name="t"))),
    ]
