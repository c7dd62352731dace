from _base import duck
from _rest import rest_api, serving

ROWS = [{"id": 1, "n": 5}, {"id": 2, "n": 9}, {"id": 3}, {"id": 4, "n": None}]


def run(dlt, workdir):
    with serving(rows=lambda request, *_: [{**row, "asked": sorted(request.query.items())} for row in ROWS]) as api:
        p = duck(dlt, workdir)
        cursor = {"cursor_path": "n", "initial_value": 1, "lag": 3, "on_cursor_value_missing": "include", "start_param": "from"}
        resource = {"name": "rows", "primary_key": "id", "write_disposition": "merge", "endpoint": {"incremental": cursor}}
        source = rest_api(dlt).rest_api_source
        config = {"client": {"base_url": api.url}, "resources": [resource]}
        p.run(source(config))
        ROWS.append({"id": 5, "n": 7})
        p.run(source(config))
        del ROWS[-1]
        return p, api.asked
