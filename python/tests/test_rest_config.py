"""Configurations of REST API sources, and the names of the helpers."""

import json
import pathlib
import re
import subprocess
import sys

import pytest
import rest_signatures

from windlass.common.exceptions import DictValidationException
from windlass.sources.rest_api import rest_api_resources, rest_api_source

HERE = pathlib.Path(__file__).parent
CASES = json.loads((HERE / "rest_api_validation.json").read_text(encoding="utf-8"))["cases"]
BASE = {"base_url": "https://api.x.io/"}


def build(title, config):
    config = json.loads(json.dumps(config))
    if title == "name callable":
        config["resources"][0]["name"] = lambda: "x"
    call = rest_api_resources if title.startswith("rest_api_resources") else rest_api_source
    return call(config)


def deepest(message):
    """The place that a recorded message is about, and the fields that it names there."""
    paths = re.findall(r"Path `([^`]*)`", message)
    place = max(paths, key=lambda path: path.count("/"))
    fields = re.findall(r"received unexpected fields `\{([^}]*)\}`", message)
    return place, sorted(re.findall(r"'([^']+)'", fields[0])) if fields else []


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_recorded_configuration(case):
    assert isinstance(case["config"], dict), case["config"]
    if case["error"] is None:
        built = build(case["title"], case["config"])
        assert list(built.resources) == case["result"]["resources"]
        return
    with pytest.raises(BaseException) as raised:
        build(case["title"], case["config"])
    error = raised.value
    wanted = case["error"]["type"].rpartition(".")[2]
    assert wanted in [kind.__name__ for kind in type(error).__mro__], f"{type(error)}: {error}"
    assert str(error)
    if wanted == "DictValidationException" and "auth" not in case["title"] and "paginator" not in case["title"]:
        place, fields = deepest(case["error"]["message"])
        assert f"`{place}`" in str(error)
        assert all(field in str(error) for field in fields)
    # No secret of a configuration is shown.
    for secret in ("sekret", "s3cr3t", "supersecret"):
        assert secret not in str(error)


def test_signatures_are_those_of_the_reference():
    recorded = json.loads((HERE / "rest_signatures.json").read_text(encoding="utf-8"))
    found = json.loads(json.dumps(rest_signatures.signatures("windlass")))
    wrong = {name: (recorded[name], found.get(name)) for name in recorded if found.get(name) != recorded[name]}
    assert wrong == {}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"client": {**BASE, "hedaers": {}}, "resources": ["a"]}, "did you mean `headers`"),
        ({"client": BASE, "resources": [{"name": "a", "endpoint": {"parms": {}}}]}, "did you mean `params`"),
        ({"client": BASE, "resources": [{"name": "a", "endpoint": {"paginator": "ofset"}}]}, "did you mean `offset`"),
        ({"client": {**BASE, "auth": {"type": "beerer"}}, "resources": ["a"]}, "did you mean `bearer`"),
        ({"client": BASE, "resources": [{"name": "a", "primary_kye": "id"}]}, "did you mean `primary_key`"),
        (
            {"client": BASE, "resources": [{"name": "a", "endpoint": {"response_actions": [{"status_code": 404, "action": "ingore"}]}}]},
            "did you mean `ignore`",
        ),
        ({"client": BASE, "resources": "a"}, "`list` is expected"),
        ([], "is a `dict`"),
    ],
)
def test_what_was_probably_meant(config, text):
    with pytest.raises(DictValidationException, match=re.escape(text)):
        rest_api_source(config)


def test_secrets_are_not_shown():
    for auth in ({"type": "zzz", "token": "hunter2"}, {"type": "api_key", "api_key": ["hunter2"]}, {"token": 5, "x": "hunter2"}):
        with pytest.raises(DictValidationException) as raised:
            rest_api_source({"client": {**BASE, "auth": auth}, "resources": ["a"]})
        assert "hunter2" not in str(raised.value)


def test_configuration_of_the_caller_is_not_changed():
    config = {
        "client": BASE,
        "resource_defaults": {"endpoint": {"params": {"per_page": 1}}},
        "resources": [{"name": "a"}, {"name": "b", "endpoint": {"path": "b/{id}", "params": {"id": 3}}}],
    }
    before = json.dumps(config)
    rest_api_source(config)
    assert json.dumps(config) == before


def test_importing_the_package_does_not_import_requests():
    code = "import sys, windlass; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_to_install_is_said():
    code = "import sys; sys.modules['requests'] = None; import windlass.sources.helpers.requests"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'windlass[rest]'" in done.stderr
