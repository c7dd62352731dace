from _rest import POSTS, client, paged, paginators, serving


def run(dlt, workdir):
    with serving(posts=paged(POSTS)) as api:
        api_client = client(dlt).RESTClient(api.url)
        paginator = paginators(dlt).PageNumberPaginator(base_page=1, maximum_page=3)
        found = []
        for page in api_client.paginate("posts", paginator=paginator, data_selector="$.data[*].author"):
            found.append([type(page).__name__, list(page), page.response.status_code, type(page.paginator).__name__, page.request.params])
        return found, api.asked
