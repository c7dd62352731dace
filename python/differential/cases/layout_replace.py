"""A replace with a function in the names."""

def run(dlt, workdir):
    layout = "{table_name}/{n}.{file_id}.{ext}"
    for number in range(2):
        extra = {"n": lambda *args, number=number: f"n{number}"}
        target = dlt.destinations.filesystem(f"{workdir}/out", layout=layout, extra_placeholders=extra)
        p = dlt.pipeline("p", pipelines_dir=f"{workdir}/pl", destination=target, dataset_name="d")
        p.run([{"a": number}], table_name="t", write_disposition="replace")
    return p
