from _base import duck
from _rest import POSTS, paged, rest_api, serving


def run(dlt, workdir):
    with serving(posts=paged(POSTS)) as api:
        p = duck(dlt, workdir)
        paginator = {"type": "page_number", "base_page": 1, "total_path": "total"}
        config = {"client": {"base_url": api.url, "paginator": paginator}, "resources": ["posts"]}
        p.run(rest_api(dlt).rest_api_source(config, name="blog"))
        return p, api.requests()
