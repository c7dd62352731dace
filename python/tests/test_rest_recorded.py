"""Every recording of requests is a test."""

import pytest
import rest_recordings


@pytest.mark.parametrize("name", rest_recordings.names())
def test_recording(name, monkeypatch, tmp_path):
    assert rest_recordings.run(name, monkeypatch, tmp_path) == []


def test_all_recordings_are_there():
    assert len(rest_recordings.names()) >= 243
    own = [path.stem for path in rest_recordings.OWN.glob("*.json")]
    assert [name for name in own if name not in rest_recordings.names()] == []
