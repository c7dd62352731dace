"""What is printed, without what no two runs have in common: times, ids, names and sizes of files."""

import re

RULES = [
    (r"\d{10}\.\d+", "LOAD"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00:00", "TIME"),
    (r"\d+\.\d\d seconds", "N seconds"),
    (r"span id: \w+", "span id"),
    (r"(?m)^Job: .*$", "JOB"),
    (r"(JOB\n)+JOB", "JOBS"),
    (r"(?m)^`runtime\..*$", "SETTING"),
    (r"Following config and secret values were resolved:\n(SETTING\n)+\n", ""),
    (r"<class '(dlt|windlass)\.", "<class '"),
    # The package of a run that failed has no id here.
    (r" when processing package with `load_id=LOAD`", ""),
    (r"\nLoad package LOAD is NEW .*", ""),
]


def printed(text):
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    # The order of tables is that of files with random names.
    return re.sub(r"(- \w+: \d+ row\(s\)\n)+", lambda found: "".join(sorted(found[0].splitlines(True))), text)


def keys(value, path=""):
    """The keys of a document, with those of the elements of lists."""
    found = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            found.add(f"{path}.{key}")
            found |= keys(inner, f"{path}.{key}")
    elif isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        for inner in value:
            found |= keys(inner, f"{path}[]")
    return found


def forms(info):
    return [printed(info.asstr(verbosity)) for verbosity in (0, 1, 2)]
