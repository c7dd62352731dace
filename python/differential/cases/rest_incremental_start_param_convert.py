from datetime import datetime

from _base import duck
from _rest import EVENTS, rest_api, serving, since


def epoch(value):
    return int(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()) if value else None


def run(dlt, workdir):
    with serving(events=since()) as api:
        p = duck(dlt, workdir)
        cursor = {"cursor_path": "updated_at", "start_param": "from", "end_param": "to", "convert": epoch, "end_value": "2024-01-15T00:00:00Z"}
        cursor["initial_value"] = "2024-01-12T00:00:00Z"
        config = {"client": {"base_url": api.url}, "resources": [{"name": "events", "endpoint": {"path": "events", "incremental": cursor}}]}
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        return p, api.asked, EVENTS[0]
