"""A class of settings for the arguments of a source and of a resource."""

import os


def run(dlt, workdir):
    import importlib

    specs = importlib.import_module(f"{dlt.__name__}.common.configuration.specs")

    @specs.configspec
    class Shop(specs.BaseConfiguration):
        region: str = "eu"
        limit: int = 5

    @dlt.source(spec=Shop)
    def shop(region=None, limit=None):
        return dlt.resource([{"region": region, "limit": limit}], name="rows")

    @dlt.resource(spec=Shop)
    def rows(region=None, limit=None):
        yield {"region": region, "limit": limit}

    first = [list(shop()), list(rows()), list(rows(region="us"))]
    os.environ["LIMIT"] = "7"
    return [first, list(shop()), list(shop(limit=1)), list(rows())]
