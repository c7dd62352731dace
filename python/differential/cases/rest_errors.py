from _base import duck, failure
from _rest import module, rest_api, serving


def run(dlt, workdir):
    with serving(
        html=lambda *_: (200, {"Content-Type": "text/html"}, b"<html></html>"), denied=lambda *_: (401, {}, {"m": "no"})
    ) as api:
        p = duck(dlt, workdir)
        source = rest_api(dlt).rest_api_source

        def load(path, **more):
            p.run(source({"client": {"base_url": api.url}, "resources": [{"name": "a", "endpoint": {"path": path, **more}}]}))

        steps = [failure(load, "denied")[:3], failure(load, "denied", response_actions=[{"status_code": 403, "action": "ignore"}])[:3]]
        load("denied", response_actions=[{"status_code": 401, "action": "ignore"}])
        html = failure(load, "html")[:3]
        p.drop_pending_packages()
        cycle = failure(source, {"client": {"base_url": api.url}, "resources": [{"name": "a", "endpoint": "x/{resources.a.id}"}]})
        unknown = failure(source, {"client": {"base_url": api.url}, "resources": [{"name": "a", "endpoint": {"foo": 1}}]})
        base = failure(module(dlt, "sources.rest_api").rest_api_resources, {"client": {}, "resources": ["a"]})
        return steps, html, cycle, unknown, sorted(base)[:0], api.requests()
