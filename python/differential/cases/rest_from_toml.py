import pathlib

from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    with serving(posts=posts) as api:
        folder = pathlib.Path(workdir) / ".dlt"
        folder.mkdir()
        (folder / "config.toml").write_text(
            f"""
[sources.rest_api]
[sources.rest_api.client]
base_url = "{api.url}"
[[sources.rest_api.resources]]
name = "posts"
primary_key = "id"
write_disposition = "merge"
[sources.rest_api.resources.endpoint]
path = "posts"
data_selector = "data"
"""
        )
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api())
        return p, api.requests()
