from _base import duck
from _rest import POSTS, paged, posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts, pages=paged(POSTS)) as api:
        paginator = {"type": "page_number", "base_page": 1}
        config = {
            "client": {"base_url": api.url},
            "resources": [
                {"name": "pages", "endpoint": {"path": "pages", "paginator": paginator}},
                {"name": "comments", "endpoint": "posts/{resources.pages.id}/comments"},
                {"name": "extra", "endpoint": "posts", "selected": False},
            ],
        }
        source = rest_api(dlt).rest_api_source
        p = duck(dlt, workdir)
        p.run(source(config).add_limit(1))
        p.run(source(config).with_resources("comments").add_limit(2))
        q = duck(dlt, workdir, name="q")
        only = source(config).with_resources("pages")
        only.pages.add_map(lambda row: {"id": row["id"]}).apply_hints(write_disposition="replace", primary_key="id", table_name="few")
        q.run(only)
        return p, q, api.requests()
