"""Data list of sources."""

from _base import duck

#: windlass sends the state along with each package, dlt with that of the default schema only.
DIFFERS = {"zeta": "state", "_dlt_loads": "state", "_dlt_version": "state"}


def run(dlt, workdir):
    @dlt.source
    def zeta():
        return dlt.resource([{"x": 1}], name="z")
    @dlt.source
    def alpha():
        return dlt.resource([{"y": 1}], name="a")
    p = duck(dlt, workdir)
    p.run([zeta(), alpha()])
    return p
