from _rest import client, module, serving


def login(request, *_):
    return 200, {"Set-Cookie": "sid=1; Path=/"}, {"ok": True}


def run(dlt, workdir):
    requests = module(dlt, "sources.helpers.requests")
    with serving(login=login, show=lambda request, *_: {"cookie": request.headers.get("Cookie")}) as api:
        api_client = client(dlt).RESTClient(api.url)
        api_client.get("login")
        session = requests.Session(raise_for_status=False)
        session.get(api.url + "/login")
        return api_client.get("show").json(), session.get(api.url + "/show").json(), session.get(api.url + "/none").status_code, api.asked
