"""State local value."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir); p.run([{"a": 1}], table_name="t"); p.set_local_state_val("k", 5); return [p.get_local_state_val("k")]
