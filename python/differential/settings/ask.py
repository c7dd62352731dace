"""Asks dlt or windlass the questions of layouts: ask.py dlt|windlass LAYOUTS.json ANSWERS.json

An answer is `{"value": …}`, `{"absent": true}`, or `{"refused": true}` for a secret in a file that must not have any.
"""

import builtins
import importlib
import io
import json
import os
import pathlib
import sys
import tempfile
from typing import Any

import layouts

#: Where containers have their secrets. dlt knows no other folder, so its calls are led to the one of the layout.
SECRETS = "/run/secrets"


def lead_to(folder):
    """Leads what is opened or looked at below `/run/secrets` to another folder."""

    def led(path):
        is_text = isinstance(path, (str, os.PathLike)) and isinstance(os.fspath(path), str)
        return folder + os.fspath(path)[len(SECRETS) :] if is_text and os.fspath(path).startswith(SECRETS) else path

    def leading(function):
        return lambda path, *args, **kwargs: function(led(path), *args, **kwargs)

    builtins.open = io.open = leading(builtins.open)
    os.stat = leading(os.stat)


def answers(engine, made, root):
    """The answers to the questions of one layout. Changes this process for good."""
    env = layouts.write(root, made)
    os.environ.clear()
    os.environ.update(env, PATH="/usr/bin:/bin", RUNTIME__DLTHUB_TELEMETRY="false")
    os.chdir(root / "base")
    if engine == "dlt":
        # The superuser has its settings elsewhere.
        os.geteuid = os.getuid = lambda: 1000
        lead_to(env["WINDLASS_SECRETS_DIR"])
        import dlt
    else:
        import windlass as dlt
        import windlass.common.configuration.specs  # noqa: F401
    return [answer(dlt, question) for question in made["questions"]]


def answer(dlt, question):
    """What a class of settings with this one field finds."""

    def module(name):
        return importlib.import_module(f"{dlt.__name__}.{name}")

    configuration, specs = module("common.configuration"), module("common.configuration.specs")
    exceptions = module("common.configuration.exceptions")
    kind = module("common.typing").TSecretValue if question["is_secret"] else Any
    namespace = {"__annotations__": {question["field"]: kind}, question["field"]: None, "__module__": __name__}
    if question["fixed"]:
        namespace["__section__"] = question["fixed"][0]
    spec = configuration.configspec(type("Asked", (specs.BaseConfiguration,), namespace))
    context = specs.ConfigSectionContext(
        pipeline_name=question["pipeline"] or None, sections=tuple(question["sections"])
    )
    try:
        with configuration.inject_section(context):
            found = getattr(configuration.resolve_configuration(spec(), accept_partial=True), question["field"])
    except exceptions.ValueNotSecretException:
        return {"refused": True}
    return {"absent": True} if found is None else {"value": found}


def in_a_process_of_its_own(engine, made):
    """The answers from a process that has not looked for settings yet."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "answers.json")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                out.write_text(json.dumps(answers(engine, made, pathlib.Path(folder, "layout"))), encoding="utf-8")
                code = 0
            finally:
                os._exit(code)
        os.waitpid(child, 0)
        return json.loads(out.read_text(encoding="utf-8"))


def main():
    engine, given, out = sys.argv[1:]
    all_layouts = json.loads(pathlib.Path(given).read_text(encoding="utf-8"))
    found = {made["name"]: in_a_process_of_its_own(engine, made) for made in all_layouts}
    pathlib.Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
