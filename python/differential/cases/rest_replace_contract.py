from _base import duck, failure
from _rest import POSTS, rest_api, serving


def run(dlt, workdir):
    rows = [dict(row) for row in POSTS]
    with serving(posts=lambda *_: {"data": rows}) as api:
        config = {
            "client": {"base_url": api.url},
            "resources": [{"name": "posts", "write_disposition": "replace", "schema_contract": {"columns": "freeze"}}],
        }
        source = rest_api(dlt).rest_api_source
        p = duck(dlt, workdir)
        p.run(source(config))
        rows[0]["new"] = 1
        wrong = failure(lambda: p.run(source(config)))[:1]
        p.drop_pending_packages()
        del rows[0]
        del rows[1:]
        p.run(source(config))
        return p, wrong, api.requests()
