from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    @dlt.resource(selected=False)
    def wanted():
        yield [{"id": 1}, {"id": 3}]

    with serving(posts=posts) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url},
            "resources": [wanted(), {"name": "details", "endpoint": "posts/{resources.wanted.id}", "max_table_nesting": 0}],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
