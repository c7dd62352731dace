"""The client of the files."""

from _layout import load


def run(dlt, workdir):
    import re

    p = load(dlt, workdir, "{schema_name}/{table_name}/{load_id}.{file_id}.{ext}")
    with p.destination_client() as client:
        table = client.get_table_dir("t")
        names = [re.sub(r"\d{10}\.\d+\.[0-9a-f]+", "FILE", path) for path in client.list_table_files("t")]
        there = [bool(client.fs_client.exists(path)) for path in (table, table + "nope")]
        places = [client.dataset_name, client.dataset_path, client.bucket_path, table, client.get_table_prefix("t")]
        return [places, names, there, client.is_storage_initialized(), client.make_remote_url(table)]
