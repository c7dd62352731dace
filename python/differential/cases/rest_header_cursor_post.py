from _rest import POSTS, client, paginators, serving


def items(request, *_):
    at = int(request.query.get("after", 0))
    return 200, {"X-Next": str(at + 2)} if at + 2 < len(POSTS) else {}, POSTS[at : at + 2]


def run(dlt, workdir):
    kinds = paginators(dlt)
    with serving(items=items) as api:
        paginate = client(dlt).paginate
        found = [list(page) for page in paginate(api.url + "/items", paginator=kinds.HeaderCursorPaginator("X-Next", "after"), params={"q": 1})]
        single = [list(page) for page in paginate(api.url + "/items", method="POST", data={"a": [1, 2]}, paginator=kinds.SinglePagePaginator())]
        return found, single, api.asked
