"""Kills pipelines from outside at random moments and looks at every row; see README.md."""
import argparse, concurrent.futures, json, pathlib, random, shutil, subprocess, sys, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "interop"))

from api import Api
from places import Place
from rounds import ROUNDS, Siege, Stuck
from server import Server

KINDS = ["duckdb-append", "duckdb-merge", "duckdb-replace", "duckdb-scd2", "postgres-append", "postgres-merge", "postgres-scd2",
         "sqlite-append", "sqlite-merge", "folder-append", "folder-replace", "rest-append", "rest-merge", "python-append",
         "python-merge"]
WRONG = ("lost", "doubled", "orphans", "stuck")


class Tools:
    """What places need: the binary, a server of Postgres, an API."""

    def __init__(self, windlass, postgres, api):
        self.windlass, self.postgres, self.api = windlass, postgres, api

    def rest_url(self, place):
        return self.api.url(place.folder.name)


def siege(kind, seed, tools, limit):
    """One place until its rounds are over, enough was killed, or something is wrong; gives the line of the results."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"soak-{kind}-"))
    place = Place(kind, folder, tools)
    besieged = Siege(place, seed, tools.api)
    rounds, begun = 0, time.monotonic()
    try:
        while rounds < ROUNDS and not besieged.problems and not limit(besieged.counts["kills"]):
            besieged.round()
            rounds += 1
    except Stuck as stuck:
        besieged.counts["stuck"] += 1
        besieged.problems.append(str(stuck))
    finally:
        place.close()
    if besieged.problems:
        print(f"{kind}, seed {seed}, round {rounds}: {'; '.join(besieged.problems)}\n  kept: {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    counts = {name: besieged.counts[name] for name in ("kills", "looks", "failed_runs", *WRONG)}
    return {"kind": kind, "seed": seed, "rounds": rounds, "seconds": round(time.monotonic() - begun), **counts}


def commit():
    told = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


def read_results(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file and file.exists() else []


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--windlass", default="windlass", help="the binary under test")
    options.add_argument("--kills", type=int, default=10000, help="kills in all, those of the results included")
    options.add_argument("--kinds", default=",".join(KINDS))
    options.add_argument("--seed", type=int, help="of the first place; later ones count up")
    options.add_argument("--each", type=int, help="kills after which a place is left for the next; without it, its rounds are done")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--results", type=pathlib.Path, help="where lines are added, and what was done before is read")
    given = options.parse_args()
    windlass = str(pathlib.Path(shutil.which(given.windlass) or given.windlass).resolve())
    before = sum(line["kills"] for line in read_results(given.results))
    lock, done = threading.Lock(), {"kills": before}
    lines, running = [], {}
    kinds = given.kinds.split(",")
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 32)
    at = commit()

    def work(number):
        kind = kinds[number % len(kinds)]

        def enough(kills):
            with lock:
                running[number] = kills
                if given.each and kills >= given.each:
                    return True
                return done["kills"] + sum(running.values()) >= given.kills

        line = siege(kind, seed + number, tools, enough)
        with lock:
            running.pop(number, None)
            done["kills"] += line["kills"]
            lines.append(line)
            if given.results and line["kills"]:
                given.results.parent.mkdir(exist_ok=True)
                with open(given.results, "a") as results:
                    results.write(json.dumps({"commit": at, **line}) + "\n")
        print(f"{kind}: {line['kills']} kills, {line['rounds']} rounds, {line['seconds']} s; {done['kills']} in all", flush=True)

    with Server() as server, concurrent.futures.ThreadPoolExecutor(given.jobs) as threads:
        if not server.url:
            kinds = [kind for kind in kinds if not kind.startswith("postgres")]
            print("no Postgres on this machine: its kinds are left out")
        tools = Tools(windlass, server.url, Api())
        number, futures = 0, set()
        while done["kills"] + sum(running.values()) < given.kills or futures:
            while len(futures) < given.jobs and done["kills"] + sum(running.values()) < given.kills:
                futures.add(threads.submit(work, number))
                number += 1
            ended, futures = concurrent.futures.wait(futures, timeout=1, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in ended:
                future.result()
        tools.api.close()
    wrong = {name: sum(line[name] for line in lines) for name in WRONG}
    kills, looks = sum(line["kills"] for line in lines), sum(line["looks"] for line in lines)
    print(f"{kills} kills, {looks} looks at all rows: " + ", ".join(f"{count} {name}" for name, count in wrong.items()))
    return 1 if any(wrong.values()) or (given.kills > before and kills == 0) else 0


if __name__ == "__main__":
    sys.exit(main())
