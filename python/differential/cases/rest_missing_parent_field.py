from _base import duck, failure
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        source = rest_api(dlt).rest_api_source

        def load(child):
            p = duck(dlt, workdir)
            p.run(source({"client": {"base_url": api.url}, "resources": ["posts", child]}))

        field = failure(load, {"name": "c", "endpoint": "posts/{resources.posts.nothing}/c"})
        included = failure(load, {"name": "c", "endpoint": "posts/{resources.posts.id}/c", "include_from_parent": ["nothing"]})
        return field[:2], included[:2], api.requests()[:1]
