from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts, show=lambda request, *_: [{"id": 1, "title": "t", "query": str(sorted(request.query.items()))}]) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url},
            "resource_defaults": {
                "primary_key": "id",
                "columns": {"id": {"data_type": "bigint"}, "title": {"data_type": "text", "nullable": False}},
                "endpoint": {"params": {"per_page": 3, "sort": "asc"}},
            },
            "resources": [
                {"name": "posts", "columns": {"title": {"description": "the title"}}, "endpoint": {"params": {"sort": "desc"}}},
                {"name": "show", "primary_key": "query", "columns": [], "endpoint": {"path": "show/{what}", "params": {"what": "x"}}},
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
