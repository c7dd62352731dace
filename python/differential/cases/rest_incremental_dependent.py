from _base import duck
from _rest import EVENTS, rest_api, serving

ROWS = {"1": EVENTS[:2], "2": EVENTS[2:]}


def parents(request, number=None, *_):
    if number is None:
        return [{"id": 1}, {"id": 2}]
    return [row for row in ROWS[number] if row["updated_at"] >= request.query.get("since", "")]


def run(dlt, workdir):
    with serving(parents=parents) as api:
        p = duck(dlt, workdir)
        cursor = {"cursor_path": "updated_at", "initial_value": "2024-01-01T00:00:00Z"}
        endpoint = {"path": "parents/{resources.parents.id}/events", "params": {"since": "{incremental.start_value}"}, "incremental": cursor}
        config = {"client": {"base_url": api.url}, "resources": ["parents", {"name": "events", "endpoint": endpoint}]}
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        p.run(source(config))
        return p, api.requests()
