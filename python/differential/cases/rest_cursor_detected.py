from _base import duck
from _rest import POSTS, rest_api, serving


def items(request, *_):
    at = int(request.query.get("cursor", 0))
    following = str(at + 2) if at + 2 < len(POSTS) else None
    return {"items": POSTS[at : at + 2], "paging": {"next_cursor": following}}


def run(dlt, workdir):
    with serving(items=items) as api:
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api_source({"client": {"base_url": api.url + "/"}, "resources": ["items"]}))
        return p, api.requests()
