from _base import duck
from _rest import client, module, rest_api, serving


def show(request, *_):
    return [{"auth": request.headers.get("Authorization"), "key": request.headers.get("X-Key"), "query": request.query.get("k")}]


def run(dlt, workdir):
    auth = module(dlt, "sources.helpers.rest_client.auth")
    with serving(show=show) as api:
        p = duck(dlt, workdir)

        def one(name, signer):
            return {"name": name, "endpoint": {"path": "show", "auth": signer}}

        config = {
            "client": {"base_url": api.url, "auth": {"token": "T"}},
            "resources": [
                {"name": "inherited", "endpoint": "show"},
                one("none", None),
                one("basic", {"type": "http_basic", "username": "u", "password": "p"}),
                one("key", {"type": "api_key", "name": "X-Key", "api_key": "K"}),
                one("query", auth.APIKeyAuth(name="k", api_key="Q", location="query")),
                one("instance", auth.BearerTokenAuth("B")),
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests(), list(client(dlt).paginate(api.url + "/show", auth=auth.BearerTokenAuth("Z")))
