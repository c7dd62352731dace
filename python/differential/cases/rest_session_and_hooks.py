from _base import duck
from _rest import module, posts, rest_api, client, serving


def run(dlt, workdir):
    requests = module(dlt, "sources.helpers.requests")
    seen = []
    with serving(posts=posts) as api:
        session = requests.Client(raise_for_status=False, session_attrs={"verify": False}).session
        session.headers["X-Session"] = "1"
        config = {"client": {"base_url": api.url, "session": session}, "resources": ["posts"]}
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api_source(config))

        def hook(response, *args, **kwargs):
            seen.append(response.status_code)
            if response.status_code == 404:
                raise module(dlt, "sources.helpers.rest_client.exceptions").IgnoreResponseException()

        api_client = client(dlt).RESTClient(api.url, session=session)
        for path in ("posts", "posts/99"):
            seen.append([len(page) for page in api_client.paginate(path, hooks={"response": [hook]})])
        return p, seen, api.requests()
