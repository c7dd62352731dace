from _base import duck
from _rest import rest_api, serving, since


def run(dlt, workdir):
    with serving(events=since()) as api:
        cursor = {"cursor_path": "updated_at", "initial_value": "2024-01-13T00:00:00Z", "start_param": "since"}
        config = {"client": {"base_url": api.url}, "resources": [{"name": "events", "endpoint": {"incremental": cursor}}]}
        module = rest_api(dlt)

        @dlt.source(name="calendar", max_table_nesting=1)
        def calendar():
            for resource in module.rest_api_resources(config):
                yield resource.with_name("dates")

        p = duck(dlt, workdir)
        p.run(calendar())
        p.run(calendar())
        return p, api.asked
