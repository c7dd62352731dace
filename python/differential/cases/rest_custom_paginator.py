from _base import duck
from _rest import POSTS, client, paginators, serving


def items(request, *_):
    at = int(request.query.get("after", 0))
    return {"rows": [row for row in POSTS if row["id"] > at][:2]}


def run(dlt, workdir):
    class After(paginators(dlt).BasePaginator):
        def update_state(self, response, data=None):
            self._has_next_page = bool(data)
            self.after = data[-1]["id"] if data else None

        def update_request(self, request):
            if self._has_next_page:
                request.params = {**(request.params or {}), "after": self.after}

    with serving(items=items) as api:
        api_client = client(dlt).RESTClient(api.url, paginator=After(), data_selector="rows")

        @dlt.resource(primary_key="id", write_disposition="merge")
        def rows():
            for page in api_client.paginate("items"):
                yield page

        p = duck(dlt, workdir)
        p.run(rows())
        p.run(rows())
        return p, api.asked
