from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        p = duck(dlt, workdir)
        params = {"post": {"type": "resolve", "resource": "posts", "field": "id"}, "sort": "asc"}
        config = {
            "client": {"base_url": api.url},
            "resources": [
                "posts",
                {"name": "likes", "endpoint": {"path": "posts/{post}/likes", "params": params}, "table_name": "post_likes"},
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
