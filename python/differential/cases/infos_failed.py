"""What a trace tells of a run that failed."""

from _base import duck
from _printed import printed


def run(dlt, workdir):
    p = duck(dlt, workdir)

    def broken():
        yield {"a": 1}
        raise ValueError("boom")

    try:
        p.run(broken())
    except Exception as cause:
        text = printed(str(cause))
    trace = p.last_trace
    causes = trace.steps[0].exception_traces
    return [
        text,
        printed(trace.asstr(0)).split("\n")[:5],
        [step.step for step in trace.steps],
        [cause["exception_type"].rsplit(".", 1)[-1] for cause in causes],
        [cause["is_terminal"] for cause in causes],
        causes[-1]["message"],
        'raise ValueError("boom")' in causes[-1]["stack_trace"][-1],
    ]
