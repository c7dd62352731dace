"""Coverage-guided campaigns of cargo-fuzz, added up: each goes on until its targets have had their minutes.

What a campaign found to be worth keeping stays in `fuzz/corpus/TARGET` (not in the repository) and is where the next one begins.
"""
import argparse, json, os, pathlib, re, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ["texts", "csv", "list", "link", "link_header", "parse", "naming", "manifest"]


def commit():
    told = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


def read_results(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def campaign(cargo_fuzz, target, seconds):
    """Runs one target; gives its line of the results."""
    # The stable compiler knows what cargo-fuzz asks for, if it is told to.
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1"}
    command = [cargo_fuzz, "run", "--fuzz-dir", ROOT / "fuzz", target, "--", f"-max_total_time={seconds}", "-print_final_stats=1",
               "-timeout=20", "-rss_limit_mb=4096", "-max_len=65536"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace")
    said = done.stderr
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
    artifact = re.search(r"Test unit written to (\S+)", said)
    if executed is None and artifact is None:
        sys.exit(f"{target}: cargo-fuzz ended with {done.returncode}: {said[-3000:]}")
    if done.returncode:
        print(f"{target}: {artifact and artifact[1]}\n{said[-3000:]}", flush=True)
    return {"target": target, "seconds": seconds, "executed": int(executed[1]) if executed else 0,
            "found": artifact[1] if done.returncode and artifact else None, "commit": commit()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cargo-fuzz", required=True)
    parser.add_argument("--minutes", type=float, default=30, help="for each target, all campaigns taken together")
    parser.add_argument("--slice", type=int, default=600, help="seconds of one campaign")
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    given = parser.parse_args()
    results, found = read_results(given.results), False
    for target in given.targets or TARGETS:
        had = sum(line["seconds"] for line in results if line["target"] == target and not line["found"])
        while had < given.minutes * 60 and not found:
            seconds = int(min(given.slice, given.minutes * 60 - had))
            line = campaign(given.cargo_fuzz, target, max(seconds, 1))
            with open(given.results, "a") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{target}: {line['executed']:,} executions in {line['seconds']} s, found {line['found']}", flush=True)
            had += line["seconds"]
            found = found or bool(line["found"])
    sys.exit(1 if found else 0)


main()
