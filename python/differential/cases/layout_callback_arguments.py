"""What functions of placeholders are called with."""

from _layout import load


def run(dlt, workdir):
    seen = set()

    def note(*args, **kwargs):
        seen.add((args[0], args[1], len(args), args[4], bool(args[2]), bool(args[3]), tuple(kwargs)))
        return "x"

    p = load(dlt, workdir, "{table_name}/{note}.{file_id}.{ext}", extra_placeholders={"note": note})
    return [p, sorted(seen)]
