"""Async awaitables."""

from _base import duck


def run(dlt, workdir):
    import asyncio
    @dlt.resource
    def a():
        async def get(i):
            await asyncio.sleep(0.001)
            return {"i": i}
        for i in range(4):
            yield get(i)
    p = duck(dlt, workdir)
    p.run(a())
    return p
