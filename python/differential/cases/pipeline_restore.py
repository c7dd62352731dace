"""Pipeline restore."""

from _base import duck


def run(dlt, workdir):
    import shutil
    @dlt.resource
    def t(rows, at=dlt.sources.incremental("ts")):
        yield rows
    p = duck(dlt, workdir); p.run(t([{"ts": 1}, {"ts": 2}])); shutil.rmtree(workdir + "/pl"); q = duck(dlt, workdir); q.run(t([{"ts": 2}, {"ts": 3}])); return q
