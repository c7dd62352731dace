#!/usr/bin/env python3
"""Settings of the same layouts as dlt, the Python package and the command line find them, compared.

usage: run.py [--count 200] [--seed 1] [--record FILE --recorded 40]
with DLT_PYTHON and WINDLASS_PYTHON naming the interpreters, and WINDLASS_SETTINGS the program `windlass-settings`

`--record` writes the first layouts with dlt's answers, which the tests of both faces read.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import layouts

HERE = pathlib.Path(__file__).resolve().parent


def asked(command, made):
    """The answers that a command writes for layouts, by their names."""
    with tempfile.TemporaryDirectory() as folder:
        given, out = pathlib.Path(folder, "layouts.json"), pathlib.Path(folder, "answers.json")
        given.write_text(json.dumps(made), encoding="utf-8")
        subprocess.run([*command, str(given), str(out)], check=True)
        return json.loads(out.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record")
    parser.add_argument("--recorded", type=int, default=40)
    options = parser.parse_args()
    made = layouts.layouts(options.count, options.seed)
    ask = str(HERE / "ask.py")
    expected = asked([os.environ["DLT_PYTHON"], ask, "dlt"], made)
    faces = {
        "Python": asked([os.environ.get("WINDLASS_PYTHON", sys.executable), ask, "windlass"], made),
        "command line": asked([os.environ["WINDLASS_SETTINGS"]], made),
    }
    differences = 0
    for layout in made:
        for number, question in enumerate(layout["questions"]):
            wanted = expected[layout["name"]][number]
            for face, answers in faces.items():
                if answers[layout["name"]][number] != wanted:
                    differences += 1
                    print(f"{layout['name']} {face}: {answers[layout['name']][number]}, dlt {wanted}")
                    print(f"    {json.dumps(question)}\n    {json.dumps(layout)}")
    if options.record:
        sample = [{**layout, "answers": expected[layout["name"]]} for layout in made[: options.recorded]]
        lines = ",\n".join(json.dumps(layout) for layout in sample)
        pathlib.Path(options.record).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    count = sum(len(layout["questions"]) for layout in made)
    values = sum("value" in answer for answers in expected.values() for answer in answers)
    print(f"{len(made)} layouts, {count} questions, {values} values, {differences} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
