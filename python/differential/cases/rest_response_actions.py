import json

from _base import duck
from _rest import POSTS, posts, rest_api, serving


def mark(response, *args, **kwargs):
    rows = response.json()
    rows["data"] = [{**row, "marked": True} for row in rows["data"]]
    response._content = json.dumps(rows).encode()


def texts(request, post_id=None, *_):
    if post_id == "3":
        return 404, {}, {"message": "gone"}
    return {"data": [{"post": post_id}]} if post_id != "4" else {"error": "no access"}


def run(dlt, workdir):
    with serving(posts=posts, texts=texts) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url},
            "resources": [
                {"name": "posts", "endpoint": {"response_actions": [{"status_code": 200, "action": mark}]}},
                {
                    "name": "texts",
                    "endpoint": {
                        "path": "texts/{resources.posts.id}/text",
                        "response_actions": [
                            {"status_code": 404, "action": "ignore"},
                            {"content": "no access", "action": "ignore"},
                        ],
                    },
                },
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests(), len(POSTS)
