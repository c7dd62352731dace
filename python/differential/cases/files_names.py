"""Names of readers."""

from _files import some_files, source


def run(dlt, workdir):
    folder = some_files(workdir)
    module = source(dlt)
    piped = module.filesystem(folder) | module.read_csv()
    return [module.read_csv.name, module.read_jsonl().name, piped.name, piped.with_name("x").name, module.filesystem(folder).section]
