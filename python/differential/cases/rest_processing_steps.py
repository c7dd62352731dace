from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        p = duck(dlt, workdir)
        steps = [
            {"filter": lambda row: row["id"] > 1},
            {"map": lambda row: {**row, "m": row["id"] * 2}},
            {"yield_map": lambda row: ({**row, "n": n} for n in range(2))},
        ]
        config = {"client": {"base_url": api.url}, "resources": [{"name": "posts", "processing_steps": steps}]}
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.requests()
