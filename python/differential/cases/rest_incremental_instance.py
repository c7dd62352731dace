from _base import duck
from _rest import rest_api, serving, since


def run(dlt, workdir):
    with serving(events=since()) as api:
        p = duck(dlt, workdir)
        params = {"since": dlt.sources.incremental("updated_at", initial_value="2024-01-13T00:00:00Z")}
        config = {
            "client": {"base_url": api.url},
            "resources": [{"name": "events", "write_disposition": "merge", "primary_key": "id", "endpoint": {"params": params}}],
        }
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        p.run(source(config))
        return p, api.asked
