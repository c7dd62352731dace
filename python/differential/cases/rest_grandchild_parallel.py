from _base import duck
from _rest import posts, rest_api, serving


def notes(request, comment_id=None, *_):
    return [{"comment": comment_id, "note": "n"}]


def run(dlt, workdir):
    with serving(posts=posts, comments=notes) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url},
            "resources": [
                "posts",
                {"name": "comments", "endpoint": "posts/{resources.posts.id}/comments", "parallelized": True, "include_from_parent": ["id"]},
                {
                    "name": "notes",
                    "endpoint": {"path": "comments/{resources.comments.id}/notes", "paginator": "single_page"},
                    "include_from_parent": ["id", "_posts_id"],
                },
            ],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
