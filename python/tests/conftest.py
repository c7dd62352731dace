"""What all tests share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """No test sees the settings or working folders of the machine."""
    monkeypatch.setenv("WINDLASS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pipeline(tmp_path):
    """A pipeline into a DuckDB file."""
    import windlass as dlt

    made = dlt.pipeline(
        "p", pipelines_dir=str(tmp_path / "pl"), destination=dlt.destinations.duckdb(str(tmp_path / "p.duckdb")), dataset_name="ds"
    )
    yield made
    made.deactivate()
