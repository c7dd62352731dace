from _base import duck
from _rest import rest_api, serving, since


def run(dlt, workdir):
    with serving(events=since()) as api:
        p = duck(dlt, workdir)
        params = {"since": {"type": "incremental", "cursor_path": "updated_at", "initial_value": "2024-01-13T00:00:00Z"}}
        config = {"client": {"base_url": api.url}, "resources": [{"name": "events", "endpoint": {"params": params}}]}
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        p.run(source(config))
        return p, api.asked
