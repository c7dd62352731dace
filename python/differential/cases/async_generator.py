"""Async generator."""

from _base import duck


def run(dlt, workdir):
    import asyncio
    @dlt.resource
    async def a():
        for i in range(4):
            await asyncio.sleep(0.001)
            yield {"i": i}
    p = duck(dlt, workdir)
    p.run(a())
    return p
