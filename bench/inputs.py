"""Files that are measured with, made once."""
import pathlib, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "bench/data"


def events(count):
    """So many GitHub events as JSON lines."""
    file = DATA / f"events-{count}.jsonl"
    if not file.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        subprocess.run([sys.executable, ROOT / "bench/scale_github_events.py", str(count), partial], check=True)
        partial.rename(file)
    return file
