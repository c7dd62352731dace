"""Async transformer."""

from _base import duck


def run(dlt, workdir):
    import asyncio
    @dlt.resource
    def a():
        yield from [{"i": 1}, {"i": 2}]
    @dlt.transformer(data_from=a)
    async def b(x):
        await asyncio.sleep(0.001)
        return {"j": x["i"]}
    p = duck(dlt, workdir)
    p.run(b)
    return p
