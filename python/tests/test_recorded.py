"""All recorded cases of the reference through the Python API."""

import json
import pathlib

import pytest
from cases import run_case

import windlass as dlt

CASES = pathlib.Path(__file__).parents[2] / "conformance" / "cases"


@pytest.mark.parametrize("name", sorted(path.stem for path in CASES.glob("*.json")))
def test_case(name, tmp_path, monkeypatch):
    case = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    assert run_case(dlt, case, tmp_path, monkeypatch) == []


def test_there_are_cases():
    assert len(list(CASES.glob("*.json"))) >= 95
