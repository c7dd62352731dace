"""Config missing."""

from _base import failure


def run(dlt, workdir):
    @dlt.source
    def s(token: str = dlt.secrets.value):
        return dlt.resource([{"n": token}], name="t")
    return [failure(s)]
