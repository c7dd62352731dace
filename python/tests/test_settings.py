"""Settings: the same value as dlt finds, wherever it stands; providers of user code; secrets in files."""

import json
import os
import pathlib
import sys

import pytest

import windlass as dlt
from windlass.common import masking
from windlass.common.configuration import configspec, inject_section, resolve_configuration
from windlass.common.configuration.providers import PROVIDERS, CustomLoaderDocProvider
from windlass.common.configuration.specs import BaseConfiguration, ConfigSectionContext
from windlass.common.typing import TSecretValue

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python" / "differential" / "settings"))

import ask  # noqa: E402
import layouts  # noqa: E402

RECORDED = json.loads((ROOT / "conformance" / "settings.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def registered():
    before = list(PROVIDERS.registered)
    yield
    PROVIDERS.registered[:] = before


@pytest.mark.parametrize("made", RECORDED, ids=[made["name"] for made in RECORDED])
def test_the_settings_of_a_layout_are_those_that_dlt_finds(made, tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.isupper() and name != "PATH":
            monkeypatch.delenv(name)
    for name, value in layouts.write(tmp_path / "layout", made).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path / "layout" / "base")
    assert [ask.answer(dlt, question) for question in made["questions"]] == made["answers"]


def test_there_are_enough_recorded_layouts():
    assert len(RECORDED) >= 40
    assert sum("value" in answer for made in RECORDED for answer in made["answers"]) >= 40


def test_a_file_of_a_secret_is_read_without_its_line_end_and_never_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("WINDLASS_SECRETS_DIR", str(tmp_path / "secrets"))
    (tmp_path / "secrets" / "api--key").mkdir(parents=True)
    (tmp_path / "secrets" / "api--token").write_text("of-a-mounted-secret\n")
    (tmp_path / "secrets" / "api--key" / "api--key").write_text("in-a-folder")
    (tmp_path / "secrets" / "api--broken").write_bytes(b"\xff\xfe")
    assert dlt.secrets["api.token"] == "of-a-mounted-secret"
    assert dlt.secrets["api.key"] == "in-a-folder"
    assert dlt.secrets.get("api.broken") is None
    assert masking.masked("x of-a-mounted-secret") == "x ***"
    monkeypatch.setenv("API__TOKEN", "of-the-environment")
    assert dlt.secrets["api.token"] == "of-the-environment"


def test_files_of_settings_are_read_again_when_they_change(tmp_path):
    folder = tmp_path / ".dlt"
    folder.mkdir()
    assert dlt.config.get("a.b") is None
    (folder / "config.toml").write_text("[a]\nb = 1\n")
    assert dlt.config["a.b"] == 1
    (folder / "config.toml").write_text("[a]\nb = 12\n")
    assert dlt.config["a.b"] == 12
    (folder / "config.toml").write_text("[a]\nb = \n")
    with pytest.raises(Exception, match="config.toml"):
        dlt.config.get("a.b")
    (folder / "config.toml").unlink()
    assert dlt.config.get("a.b") is None


def test_values_that_a_program_sets_are_over_those_of_files_and_below_the_environment(tmp_path, monkeypatch):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("[a]\nb = 1\nc = 2\n")
    made = object()
    with dlt.config.values({"a.b": made}):
        assert dlt.config["a.b"] is made
        assert dlt.config["a.c"] == 2
        monkeypatch.setenv("A__B", "text")
        assert dlt.config["a.b"] == "text"
    monkeypatch.delenv("A__B")
    assert dlt.config["a.b"] == 1


def test_a_section_may_be_of_another_pipeline(monkeypatch):
    monkeypatch.setenv("OTHER__X__FIELD", "of the other")
    monkeypatch.setenv("X__FIELD", "of all")

    @configspec
    class Asked(BaseConfiguration):
        field: str = None

    with inject_section(ConfigSectionContext(pipeline_name="other", sections=("x",))):
        with inject_section(ConfigSectionContext(sections=("x", "y"))):
            assert resolve_configuration(Asked()).field == "of the other"
    with inject_section(ConfigSectionContext(sections=("x",))):
        assert resolve_configuration(Asked()).field == "of all"


def test_what_a_provider_raises_comes_out_and_one_without_secrets_gives_none():
    class Broken:
        name = "broken"
        supports_secrets = True

        def get_value(self, key, hint, pipeline_name, *sections):
            raise ZeroDivisionError(f"{sections} {key}")

        def get_key_name(self, key, *sections):
            return key

    dlt.config.register_provider(Broken())
    with pytest.raises(ZeroDivisionError, match="'a', 'b'.*c"):
        dlt.config["a.b.c"]
    PROVIDERS.registered.clear()
    dlt.config.register_provider(CustomLoaderDocProvider("plain", lambda: {"token": "t"}, supports_secrets=False))

    @configspec
    class Asked(BaseConfiguration):
        token: TSecretValue = None

    with pytest.raises(Exception, match="Provider `plain` cannot hold secret values but key `token`"):
        resolve_configuration(Asked())


def test_the_report_of_a_missing_setting_leaves_out_who_has_none(tmp_path):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("x = 1\n")
    with pytest.raises(KeyError) as caught:
        dlt.config["a.b"]
    tried = [line.strip() for line in str(caught.value).splitlines() if line.startswith("  (")]
    assert tried == ["(Environment Variables, A__B)", "(config.toml, a.b)"]
