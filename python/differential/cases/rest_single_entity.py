from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url, "paginator": "json_link"},
            "resources": [
                {"name": "posts", "selected": False, "processing_steps": [{"filter": lambda row: row["id"] != 2}]},
                {"name": "details", "endpoint": {"path": "posts/{resources.posts.id}"}},
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
