from _base import duck
from _rest import EVENTS, rest_api, serving, since


def run(dlt, workdir):
    rows = EVENTS[:3]
    with serving(events=since(rows)) as api:
        p = duck(dlt, workdir)
        cursor = {"cursor_path": "updated_at", "initial_value": "2024-01-12T00:00:00Z"}
        endpoint = {"path": "events", "params": {"since": "{incremental.start_value}"}, "incremental": cursor}
        config = {"client": {"base_url": api.url}, "resources": [{"name": "events", "primary_key": "id", "endpoint": endpoint}]}
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        rows += EVENTS[3:]
        p.run(source(config))
        p.run(source(config))
        return p, api.asked
