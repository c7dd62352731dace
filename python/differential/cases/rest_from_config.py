from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        resource = {"name": "posts", "primary_key": "id", "write_disposition": "merge", "endpoint": {"path": "posts", "data_selector": "data"}}
        dlt.config["sources.rest_api.client"] = {"base_url": api.url}
        dlt.config["sources.rest_api.resources"] = [resource]
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api())
        return p, api.requests()
