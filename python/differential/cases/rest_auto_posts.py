from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api_source({"client": {"base_url": api.url}, "resources": ["posts"]}))
        return p, api.requests()
