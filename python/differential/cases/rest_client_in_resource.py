from _base import duck
from _rest import POSTS, client, paged, paginators, serving


def run(dlt, workdir):
    with serving(posts=paged(POSTS)) as api:
        api_client = client(dlt).RESTClient(
            base_url=api.url + "//", headers={"X-A": "1"}, paginator=paginators(dlt).PageNumberPaginator(base_page=1)
        )

        @dlt.resource(name="posts", columns={"title": {"data_type": "text"}})
        def all_posts():
            for page in api_client.paginate("/posts", params={"q": ["a", "b"], "none": None, "yes": True}):
                yield page

        @dlt.transformer(data_from=all_posts)
        def titles(rows):
            yield [{"title": row["title"]} for row in rows]

        p = duck(dlt, workdir)
        p.run([all_posts, titles])
        statuses = [api_client.get("posts").status_code, api_client.get("nothing").status_code, api_client.post("posts", json={"a": 1}).status_code]
        return p, api.asked, statuses
