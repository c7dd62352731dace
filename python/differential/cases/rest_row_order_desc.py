from _base import duck
from _rest import EVENTS, rest_api, serving


def run(dlt, workdir):
    rows = EVENTS[:4]

    def events(request, *_):
        newest = sorted(rows, key=lambda row: row["updated_at"], reverse=True)
        page = int(request.query.get("page", 0))
        return {"data": newest[page : page + 1], "total": len(newest)}

    with serving(events=events) as api:
        p = duck(dlt, workdir)
        cursor = {"cursor_path": "updated_at", "initial_value": "2024-01-12T00:00:00Z", "row_order": "desc"}
        endpoint = {"path": "events", "incremental": cursor, "paginator": "page_number"}
        config = {"client": {"base_url": api.url}, "resources": [{"name": "events", "primary_key": "id", "endpoint": endpoint}]}
        source = rest_api(dlt).rest_api_source
        p.run(source(config))
        rows += EVENTS[4:]
        p.run(source(config))
        # A row at the boundary does not end reading: others with its value may follow.
        return p, api.asked[:6]
