import json

from _base import duck
from _rest import POSTS, client, paginators, serving


def graphql(request, *_):
    asked = json.loads(request.body)
    at = int(asked["variables"].get("after") or 0)
    more = at + 2 < len(POSTS)
    return {"data": {"posts": {"nodes": POSTS[at : at + 2], "pageInfo": {"endCursor": str(at + 2), "hasNextPage": more}}}}


def run(dlt, workdir):
    with serving(graphql=graphql) as api:
        paginator = paginators(dlt).JSONResponseCursorPaginator(
            cursor_path="data.posts.pageInfo.endCursor", cursor_body_path="variables.after", has_more_path="data.posts.pageInfo.hasNextPage"
        )
        api_client = client(dlt).RESTClient(api.url, paginator=paginator, data_selector="data.posts.nodes")

        @dlt.resource(primary_key="id", write_disposition="merge")
        def posts():
            yield from api_client.paginate("graphql", method="POST", json={"query": "query { posts }", "variables": {"n": 2}})

        p = duck(dlt, workdir)
        p.run(posts())
        return p, api.asked
