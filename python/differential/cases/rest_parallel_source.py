from _base import duck
from _rest import POSTS, paged, posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts, a=paged(POSTS), b=paged(POSTS, 1)) as api:
        paginator = {"type": "page_number", "base_page": 1, "stop_after_empty_page": False}
        config = {
            "client": {"base_url": api.url},
            "resources": [
                {"name": "a", "endpoint": {"paginator": paginator}},
                {"name": "b", "endpoint": {"paginator": paginator}, "parallelized": True},
                {"name": "c", "endpoint": {"path": "posts/{resources.a.id}/c"}},
            ],
        }
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api_source(config, parallelized=True, root_key=True))
        return p, api.requests()
