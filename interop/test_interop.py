"""dlt and windlass take turns at one dataset; what it holds must be what dlt alone would have made of it."""
import json, os, pathlib, signal, subprocess, sys, tempfile, unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import engines
from places import places
from scenarios import BEGUN_BY_DLT, SCENARIOS, TABLES_ONLY
from server import Server

ENGINES = {"D": engines.dlt, "W": engines.windlass}
# Who begins and who follows; they go on in turns.
TURNS = ("DW", "WD")


class Turns:
    """Plays scenarios in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        self.yardsticks = {}

    def new_folder(self):
        self.count += 1
        return self.folder / f"work{self.count}"

    def play(self, steps, make_place, tools, keeps_folders):
        """A snapshot after each run. `tools` names one tool for each of two who take turns."""
        place = make_place()
        folders = [self.new_folder(), self.new_folder()]
        snapshots = []
        for index, step in enumerate(steps):
            turn = index % 2
            if not keeps_folders:
                folders[turn] = self.new_folder()
            ENGINES[tools[turn]](step, place, folders[turn])
            snapshots.append(place.snapshot())
        return snapshots

    def yardstick(self, name, kind, make_place, keeps_folders):
        key = (name, kind, keeps_folders)
        if key not in self.yardsticks:
            self.yardsticks[key] = self.play(SCENARIOS[name], make_place, "DD", keeps_folders)
        return self.yardsticks[key]


def differences(expected, found, path=""):
    """Where two snapshots differ, in words."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(set(expected) | set(found), key=str):
            if key not in expected:
                yield f"{path}/{key}: not with dlt alone: {short(found[key])}"
            elif key not in found:
                yield f"{path}/{key}: only with dlt alone: {short(expected[key])}"
            else:
                yield from differences(expected[key], found[key], f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found)):
            yield from differences(one, other, f"{path}/{index}")
    elif expected != found:
        yield f"{path}: {short(expected)} with dlt alone, {short(found)} here"


def short(value):
    return json.dumps(value, default=str, ensure_ascii=False)[:600]


class Interop(unittest.TestCase):
    def check(self, name, kind, tools, keeps_folders):
        make_place = PLACES[kind]
        expected = TURNS_PLAYED.yardstick(name, kind, make_place, keeps_folders)
        found = TURNS_PLAYED.play(SCENARIOS[name], make_place, tools, keeps_folders)
        for index, (one, other) in enumerate(zip(expected, found)):
            wrong = list(differences(one, other))
            who = "dlt" if tools[index % 2] == "D" else "windlass"
            self.assertFalse(wrong, f"after run {index + 1}, by {who}:\n  " + "\n  ".join(wrong))


class DigestOrder(unittest.TestCase):
    """Why one scenario is begun by dlt only: dlt alone stores unchanged digests in an order of each process."""

    SCRIPT = """
import dlt, json, sys
made = dlt.resource([{"id": n, "at": 5} for n in range(6)], name="items").apply_hints(incremental=dlt.sources.incremental("at"))
pipeline = dlt.pipeline("order", pipelines_dir=sys.argv[1], destination="duckdb", dataset_name="order_data")
pipeline.extract(made)
resources = next(iter(pipeline.state["sources"].values()))["resources"]
print(json.dumps(resources["items"]["incremental"]["at"]["unique_hashes"]))
"""

    def test_the_order_hangs_on_the_salt_of_the_process(self):
        orders = []
        for salt in ("1", "2", "3", "4"):
            environment = {**os.environ, "PYTHONHASHSEED": salt}
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", self.SCRIPT, folder]
                run = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
            orders.append(tuple(json.loads(run.stdout.splitlines()[-1])))
        self.assertEqual(len({frozenset(order) for order in orders}), 1)
        self.assertGreater(len(set(orders)), 1)


def add_test(name, kind, tools, keeps_folders):
    def test(self):
        self.check(name, kind, tools, keeps_folders)
    begins = "dlt" if tools[0] == "D" else "windlass"
    folders = "kept_folders" if keeps_folders else "fresh_folders"
    test.__name__ = f"test_{name}_on_{kind}_begun_by_{begins}_{folders}"
    if any(word in test.__name__ for word in os.environ.get("INTEROP_ONLY", "").split(",")):
        setattr(Interop, test.__name__, test)


def add_tests():
    for name in SCENARIOS:
        for kind in PLACES:
            if name in TABLES_ONLY and kind in ("parquet", "jsonl"):
                continue
            for tools in TURNS[:1] if name in BEGUN_BY_DLT else TURNS:
                for keeps_folders in (False, True):
                    # The folders are the same whatever the destination, so one destination is enough.
                    if not keeps_folders or kind == "duckdb":
                        add_test(name, kind, tools, keeps_folders)


if __name__ == "__main__":
    if not pathlib.Path(engines.WINDLASS).exists():
        sys.exit(f"there is no {engines.WINDLASS}: cargo build -p windlass-cli")
    # The server stops also where the tests are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Server() as server, tempfile.TemporaryDirectory(prefix="windlass-interop-") as folder:
        if not server.url:
            print("left out: Postgres, there are no binaries and no WINDLASS_TEST_POSTGRES", file=sys.stderr)
        folder = pathlib.Path(folder)
        PLACES = places(folder / "place", server.url)
        TURNS_PLAYED = Turns(folder)
        add_tests()
        program = unittest.main(argv=[sys.argv[0], *sys.argv[1:]], exit=False)
    sys.exit(not program.result.wasSuccessful())
