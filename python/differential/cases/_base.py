"""What the scripts share."""

ROWS = [{"id": 1, "name": "a", "kids": [{"x": 1}, {"x": 2}]}, {"id": 2, "name": "b", "kids": []}]


def duck(dlt, workdir, name="p", **options):
    """A pipeline into a DuckDB file."""
    options.setdefault("dataset_name", "d")
    return dlt.pipeline(
        name, pipelines_dir=f"{workdir}/pl", destination=dlt.destinations.duckdb(f"{workdir}/{name}.duckdb"), **options
    )


def folder(dlt, workdir, name="p", layout=None, **options):
    """A pipeline into a folder."""
    options.setdefault("dataset_name", "d")
    given = {"layout": layout} if layout else {}
    return dlt.pipeline(
        name, pipelines_dir=f"{workdir}/pl", destination=dlt.destinations.filesystem(f"{workdir}/out", **given), **options
    )


def failure(call, *args, **kwargs):
    """The names of the exceptions of a call, the outer one first."""
    try:
        call(*args, **kwargs)
    except Exception as cause:
        names = []
        while cause is not None and type(cause).__module__.split(".")[0] in ("dlt", "windlass", "builtins"):
            names.append(type(cause).__name__)
            cause = cause.__cause__
        return names
    return "no error"
