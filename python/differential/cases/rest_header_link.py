from _base import duck
from _rest import POSTS, rest_api, serving


def items(request, *_):
    page = int(request.query.get("page", 1))
    headers = {"Link": f'</items?page={page + 1}>; rel="next"'} if page * 2 < len(POSTS) else {}
    return 200, headers, POSTS[(page - 1) * 2 : page * 2]


def run(dlt, workdir):
    with serving(items=items) as api:
        p = duck(dlt, workdir)
        config = {"client": {"base_url": api.url, "paginator": "header_link"}, "resources": ["items"]}
        p.run(rest_api(dlt).rest_api_source(config, max_table_nesting=0))
        return p, api.requests()
