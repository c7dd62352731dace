import json

from _base import duck
from _rest import posts, rest_api, serving


def search(request, *_):
    return {"data": [json.loads(request.body)]}


def run(dlt, workdir):
    with serving(posts=posts, search=search) as api:
        p = duck(dlt, workdir)
        body = {"id": "{resources.posts.id}", "text": "id={resources.posts.id}", "author": "{resources.posts.author}", "query": "{{ a {{ id }} }}"}
        config = {
            "client": {"base_url": api.url, "headers": {"X-App": "1"}},
            "resources": [
                "posts",
                {
                    "name": "search",
                    "endpoint": {"method": "POST", "json": body, "params": {"t": "{resources.posts.title}"}, "headers": {"X-Tag": "{resources.posts.tags[1]}"}},
                },
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
