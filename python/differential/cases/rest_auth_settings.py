import os

from _base import duck, failure
from _rest import rest_api, serving


def show(request, *_):
    return [{"auth": request.headers.get("Authorization")}]


def run(dlt, workdir):
    with serving(show=show) as api:
        config = {"client": {"base_url": api.url, "auth": "bearer"}, "resources": ["show"]}
        source = rest_api(dlt).rest_api_source
        missing = failure(source, config)
        os.environ["SOURCES__REST_API__CREDENTIALS__TOKEN"] = "from-settings"
        p = duck(dlt, workdir)
        p.run(source(config))
        os.environ["SOURCES__REST_API__OTHER__CREDENTIALS__TOKEN"] = "of-other"
        q = duck(dlt, workdir, name="q")
        q.run(source(config, name="other"))

        @dlt.source(section="mine")
        def own():
            return rest_api(dlt).rest_api_resources({**config, "resources": [{"name": "own_show", "endpoint": "show"}]})

        os.environ["SOURCES__MINE__CREDENTIALS__TOKEN"] = "mine"
        r = duck(dlt, workdir, name="r")
        r.run(own())
        return p, q, r, missing, api.requests()
