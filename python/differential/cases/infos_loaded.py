"""A load and its trace are loaded themselves."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir)
    info = p.run([{"a": 1}], table_name="t")
    trace = p.last_trace
    p.run([info], table_name="_load_info")
    p.run([trace], table_name="_trace")
    with p.sql_client() as client:
        rows = client.execute_sql("SELECT pipeline__pipeline_name, dataset_name, destination_name, first_run FROM _load_info")
        steps = client.execute_sql("SELECT step FROM _trace__steps ORDER BY step")
        jobs = client.execute_sql("SELECT table_name FROM _load_info__job_metrics ORDER BY table_name")
    return [list(map(list, rows)), list(map(list, steps)), list(map(list, jobs))]
