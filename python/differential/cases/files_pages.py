"""Pages of files."""

from _files import put, source


def run(dlt, workdir):
    for index in range(5):
        put(workdir, f"{index}.txt", "x")
    seen = []

    @dlt.transformer
    def sizes(items):
        seen.append(len(items))
        yield [{"n": len(items)}]

    found = list(source(dlt).filesystem(f"{workdir}/in", files_per_page=2) | sizes)
    return [seen, found]
