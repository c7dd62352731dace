"""CSV by DuckDB with options."""

from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    files = source(dlt).filesystem(folder, file_glob="a.csv")
    read = source(dlt).read_csv_duckdb
    return [
        list(files | read(filename=True)),
        list(files | read(header=False)),
        list(files | read(all_varchar=True, chunk_size=2)),
        [batch.num_rows for batch in files | read(use_pyarrow=True)],
    ]
