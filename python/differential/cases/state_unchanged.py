"""State unchanged."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    for _ in range(3):
        p.run([{"a": 1}], table_name="t")
    return [p, p.dataset().query('SELECT count(*) FROM "_dlt_pipeline_state"', _execute_raw_query=True).fetchall() if False else 0]
