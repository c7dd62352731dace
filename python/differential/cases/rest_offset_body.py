import json

from _base import duck
from _rest import POSTS, rest_api, serving


def search(request, *_):
    asked = json.loads(request.body)
    start = asked["page"]["offset"]
    return {"hits": {"rows": POSTS[start : start + asked["page"]["limit"]]}, "count": len(POSTS)}


def run(dlt, workdir):
    with serving(search=search) as api:
        p = duck(dlt, workdir)
        paginator = {
            "type": "offset", "limit": 2, "offset_body_path": "page.offset", "limit_body_path": "page.limit", "total_path": "count",
        }
        endpoint = {"path": "search", "method": "POST", "json": {"q": "x"}, "paginator": paginator, "data_selector": "hits.rows"}
        config = {"client": {"base_url": api.url}, "resources": [{"name": "hits", "endpoint": endpoint, "primary_key": "id"}]}
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
