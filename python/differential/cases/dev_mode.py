"""Dev mode."""

from _base import duck


def run(dlt, workdir):
    p = duck(dlt, workdir, dev_mode=True); p.run([{"a": 1}], table_name="t"); return [p.dev_mode, p.dataset_name.startswith("d_20"), p.dataset().t.select("a").fetchall()]
