"""A placeholder that is a function."""

from _layout import load


def run(dlt, workdir):
    def shard(schema_name, table_name, load_id, file_id, ext):
        return f"{schema_name}-{table_name}-{ext}"

    return load(dlt, workdir, "{table_name}/{shard}/x.{file_id}.{ext}", extra_placeholders={"shard": shard})
