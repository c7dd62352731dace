"""What the scripts of layouts share."""


def load(dlt, workdir, layout, **options):
    """A load into a folder with a layout."""
    given = {"layout": layout} if layout else {}
    target = dlt.destinations.filesystem(f"{workdir}/out", **given, **options)
    p = dlt.pipeline("p", pipelines_dir=f"{workdir}/pl", destination=target, dataset_name="d")
    p.run([{"a": 1, "kids": [{"x": 1}]}], table_name="t")
    return p
