"""Layouts of settings by chance: variables, files of settings and of secrets, and questions about them.

A layout is plain JSON: `env` (`{root}` stands for its folder), `files` (path below the folder, and text), `secret_files` (name
and text), and `questions` (`pipeline`, `sections`, `fixed`, `field`, `is_secret`). `base` is the current folder, or that of the
pipeline file; `home` is the home folder.
"""

import json
import random

#: Settings that are secret, and others. A name is one of the two everywhere, since dlt looks for secrets alone in files of secrets.
SECRET_FIELDS = ("token", "private_part")
FIELDS = ("limit", "region", "page_size")

SECTIONS = (
    (),
    ("load",),
    ("destination", "duckdb"),
    ("destination", "warehouse"),
    ("sources", "msec"),
    ("sources", "msec", "msrc"),
    ("sources", "same", "same"),
    ("sources", "msec", "msrc", "res"),
    ("sources", "", "msrc"),
    ("pipelines", "pp"),
    ("a", "b", "c"),
)


def layouts(count, seed):
    """So many layouts; the same ones for the same seed."""
    chance = random.Random(seed)
    return [layout(chance, f"{number:04}") for number in range(count)]


def layout(chance, name):
    env = {}
    project, settings = "base", ".dlt"
    if chance.random() < 0.3:
        project, env["DLT_PROJECT_DIR"] = "project", "{root}/project"
    if chance.random() < 0.3:
        settings = env["DLT_CONFIG_FOLDER"] = "conf"
    files, secret_files, questions = {}, {}, []
    for _ in range(chance.randint(1, 3)):
        question = ask(chance)
        questions.append(question)
        for path in chance.choices(paths(chance, question), k=chance.randint(0, 4)):
            place(chance, question, path, f"{project}/{settings}", env, files, secret_files)
    texts = {path: toml(values) for path, values in sorted(files.items())}
    return {"name": name, "env": env, "files": texts, "secret_files": secret_files, "questions": questions}


def ask(chance):
    is_secret = chance.random() < 0.5
    return {
        "pipeline": chance.choice(["", "pp", "my-pipe"]),
        "sections": list(chance.choice(SECTIONS)),
        "fixed": chance.choice([[], [], ["part"]]),
        "field": chance.choice(SECRET_FIELDS if is_secret else FIELDS),
        "is_secret": is_secret,
    }


def paths(chance, question):
    """Paths at which a value may be looked for, and some at which it is not."""
    sections = [section for section in question["sections"] if section]
    rest = [*question["fixed"], question["field"]]
    found = [[*sections[:count], *rest] for count in range(len(sections) + 1)]
    if len(sections) > 2:
        found += [[sections[0], sections[2], *rest], [sections[1], *rest], [*sections[1:], *rest]]
    found.append([*sections, question["field"]])
    if question["pipeline"]:
        found += [[question["pipeline"], *path] for path in found]
    found.append(["other_pipe", *chance.choice(found)])
    return found


def place(chance, question, path, project, env, files, secret_files):
    """Puts a value at a path of one of the places."""
    value = f"{chance.choice(['v', 'w', ''])}{chance.randint(10, 99)}"
    kind = chance.choice(["env", "env", "secrets", "config", "secrets", "config", "secret file"])
    if kind == "env":
        env["__".join(path).upper()] = chance.choice([value, value, value, ""])
        return
    if kind == "secret file":
        if path[-1] in SECRET_FIELDS:
            secret_files["__".join(path).lower().replace("_", "-")] = value
        return
    folder = chance.choice([project, project, "home/.dlt", "base/.dlt", "project/conf", "home/conf"])
    typed = chance.choice([value, value, int("0" + value.strip("vw")), True, 2.5, [1, "x"], {"k": value}, ""])
    put(files.setdefault(f"{folder}/{kind}.toml", {}), path, typed)


def put(values, path, value):
    """Puts a value into a table, unless something else stands in its way."""
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            return
    values.setdefault(path[-1], value)


def toml(values, above=()):
    """A table as TOML."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    lines = ["[" + ".".join(json.dumps(part) for part in above) + "]"] if above else []
    # JSON's strings, numbers and lists are TOML's.
    lines += [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in plain.items()]
    text = "\n".join(lines) + "\n"
    return text + "".join(toml(value, (*above, key)) for key, value in values.items() if isinstance(value, dict))


def write(root, made):
    """Makes the files of a layout below a folder, and gives its variables."""
    for folder in ("base", "project", "home", "secrets"):
        (root / folder).mkdir(parents=True)
    for path, text in made["files"].items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    for name, text in made["secret_files"].items():
        (root / "secrets" / name).write_text(text, encoding="utf-8")
    env = {name: value.replace("{root}", str(root)) for name, value in made["env"].items()}
    return {**env, "HOME": str(root / "home"), "WINDLASS_SECRETS_DIR": str(root / "secrets")}
