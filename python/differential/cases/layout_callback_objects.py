"""Objects and partial functions as placeholders."""

from _layout import load


def run(dlt, workdir):
    from functools import partial

    class Named:
        def __call__(self, *args):
            return f"named-{args[1]}"

    extra = {"named": Named(), "part": partial(lambda first, *args: first + args[1], "p-")}
    return load(dlt, workdir, "{table_name}/{named}.{part}.{file_id}.{ext}", extra_placeholders=extra)
