from _base import failure
from _rest import module, serving

COUNT = {"n": 0}


def flaky(request, *_):
    COUNT["n"] += 1
    return (503, {}, {"n": COUNT["n"]}) if COUNT["n"] % 3 else {"n": COUNT["n"]}


def run(dlt, workdir):
    requests = module(dlt, "sources.helpers.requests")
    COUNT["n"] = 0
    with serving(flaky=flaky) as api:
        quick = requests.Client(request_backoff_factor=0.001, request_max_attempts=4)
        found = [quick.get(api.url + "/flaky").json(), quick.post(api.url + "/flaky", json={"a": 1}).json()]
        once = requests.Client(request_max_attempts=1, raise_for_status=False)
        found.append(once.get(api.url + "/flaky").status_code)
        found.append(failure(requests.get, api.url + "/nothing"))
        by_text = requests.Client(request_backoff_factor=0.001, retry_condition=lambda response, error: response is not None and '"n": 6' not in response.text)
        found.append(by_text.get(api.url + "/flaky").json())
        return found, api.asked
