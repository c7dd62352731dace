"""Async source."""

from _base import duck


def run(dlt, workdir):
    import asyncio
    @dlt.source
    async def s():
        return dlt.resource([{"a": 1}], name="t")
    p = duck(dlt, workdir)
    p.run(asyncio.run(s()))
    return p
