from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url},
            "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
            "resources": [
                "posts",
                {
                    "name": "comments",
                    "endpoint": "posts/{resources.posts.id}/comments",
                    "include_from_parent": ["id", "title"],
                },
            ],
        }
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        p.run(source(config))
        return p, api.requests()
