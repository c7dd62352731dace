"""All recorded cases of the reference through the Python API."""

import json
import pathlib

import pytest
from cases import run_case

import windlass as dlt

CASES = pathlib.Path(__file__).parents[2] / "conformance" / "cases"


def waiting():
    """Names of the cases that are known to fail, each of which must."""
    lines = (CASES / "pending.txt").read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0] for line in lines if line and not line.startswith("#")}


def cases():
    known = waiting()
    for name in sorted(path.stem for path in CASES.glob("*.json")):
        marks = [pytest.mark.xfail(strict=True, reason="listed")] if name in known else []
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", cases())
def test_case(name, tmp_path, monkeypatch):
    case = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    assert run_case(dlt, case, tmp_path, monkeypatch) == []


def test_there_are_cases():
    assert len(list(CASES.glob("*.json"))) >= 95
