from _base import duck
from _rest import posts, rest_api, serving


def run(dlt, workdir):
    @dlt.transformer(primary_key="post_id")
    def authors(rows):
        for row in rows:
            yield {"post_id": row["id"], **row["author"]}

    @dlt.transformer
    @dlt.defer
    def slow(row):
        return {"id": row["post_id"]}

    with serving(posts=posts) as api:
        source = rest_api(dlt).rest_api_source({"client": {"base_url": api.url}, "resources": ["posts"]})
        p = duck(dlt, workdir)
        source.resources.add(source.posts | authors)
        p.run(source)
        found = sorted(row["id"] for row in (source.with_resources("posts").posts | authors | slow))
        return p, found, api.requests()
