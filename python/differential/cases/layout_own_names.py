"""Placeholders of files can be given, those of times cannot."""

from _layout import load


def run(dlt, workdir):
    import pathlib

    extra = {"load_id": "mine", "YYYY": "1999"}
    p = load(dlt, workdir, "{table_name}/{load_id}.{file_id}.{ext}", extra_placeholders=extra)
    load(dlt, f"{workdir}/2", "{table_name}/{YYYY}.{ext}", extra_placeholders=extra)
    return [p, [path.name[:2] for path in pathlib.Path(f"{workdir}/2/out/d/t").glob("*")]]
