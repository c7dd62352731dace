"""Places of files and what opens them: URLs, credentials, options of clients."""

import pytest

from windlass.common.configuration.exceptions import ConfigurationValueError
from windlass.common.storages.configuration import FilesystemConfiguration, path_of, url_of
from windlass.common.storages.credentials import options_of
from windlass.common.storages.fsspec_filesystem import MTIME_DISPATCH, guess_mime_type, prepare_fsspec_args
from windlass.sources.filesystem.helpers import credentials_of, fsspec_from_resource
from windlass.sources.filesystem import filesystem


@pytest.mark.parametrize(
    ("given", "url", "protocol"),
    [
        ("/data/x", "file:///data/x", "file"),
        ("/data/a b/ü", "file:///data/a%20b/%C3%BC", "file"),
        ("file:///data/x", "file:///data/x", "file"),
        ("file://host/share", "file://host/share", "file"),
        ("s3://bucket/x", "s3://bucket/x", "s3"),
        ("S3://bucket", "S3://bucket", "s3"),
        ("abfss://c@account.dfs.core.windows.net/x", "abfss://c@account.dfs.core.windows.net/x", "abfss"),
    ],
)
def test_forms_of_places(given, url, protocol):
    config = FilesystemConfiguration(given)
    assert (config.bucket_url, config.protocol) == (url, protocol)


def test_relative_paths_and_homes(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert FilesystemConfiguration("in/../out").bucket_url == f"file://{tmp_path}/out"
    assert FilesystemConfiguration("~/x").bucket_url == f"file://{tmp_path}/home/x"
    assert FilesystemConfiguration("file:in").bucket_url == f"file://{tmp_path}/in"
    assert path_of(url_of(str(tmp_path / "a#b ?"))) == str(tmp_path / "a#b ?")


@pytest.mark.parametrize("given", ["", "s3://", "file://"])
def test_places_that_are_none(given):
    with pytest.raises(ConfigurationValueError):
        FilesystemConfiguration(given)


def test_a_place_is_shown_without_its_password():
    assert str(FilesystemConfiguration("sftp://u:secret@host/x")) == "sftp://***@host/x"


@pytest.mark.parametrize(
    ("protocol", "credentials", "url", "options"),
    [
        ("s3", {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "r"}, "", {"key": "k", "secret": "s", "client_kwargs": {"region_name": "r"}}),
        ("s3", '{"profile_name": "p", "endpoint_url": "http://h"}', "", {"profile": "p", "endpoint_url": "http://h"}),
        ("gs", {"project_id": "p"}, "", {"project": "p"}),
        ("az", {"azure_storage_account_name": "a", "azure_storage_account_key": "k"}, "", {"account_name": "a", "account_key": "k"}),
        ("abfss", None, "abfss://c@acc.dfs.core.windows.net/x", {"account_name": "acc", "anon": False}),
        ("sftp", {"sftp_username": "u", "sftp_key_passphrase": "p"}, "sftp://h:23/x", {"host": "h", "port": 23, "passphrase": "p", "username": "u"}),
        ("hf", {"hf_token": "t"}, "", {"token": "t"}),
        ("memory", {"any": 1}, "", {}),
    ],
)
def test_credentials_under_the_names_of_clients(protocol, credentials, url, options):
    assert options_of(protocol, credentials, url) == options


def test_keys_of_service_accounts():
    token = options_of("gs", {"private_key": "k", "client_email": "e", "project_id": "p"})["token"]
    assert (token["type"], token["private_key"], token["client_email"]) == ("service_account", "k", "e")
    assert options_of("gs", {"refresh_token": "r", "client_id": "c"})["token"]["type"] == "authorized_user"


def test_credentials_that_are_no_json_are_not_shown():
    with pytest.raises(ValueError) as raised:
        options_of("s3", "secret text")
    assert "secret text" not in str(raised.value)


def test_credentials_from_settings(monkeypatch):
    monkeypatch.setenv("SOURCES__FILESYSTEM__CREDENTIALS__AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("SOURCES__FILESYSTEM__CREDENTIALS__AWS_SECRET_ACCESS_KEY", "s")
    assert credentials_of("s3", None) == {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
    assert credentials_of("s3", {"profile_name": "p"}) == {"profile_name": "p"}
    assert credentials_of("memory", None) is None


def test_options_of_clients_are_put_together():
    config = FilesystemConfiguration("s3://b/x", {"region_name": "r"}, False, {"anon": True}, {"verify": False}, {"max_pool": 1})
    options = prepare_fsspec_args(config)
    assert options["client_kwargs"] == {"region_name": "r", "verify": False}
    assert options["config_kwargs"] == {"max_pool": 1} and options["anon"] is True and options["use_listings_cache"] is False
    assert prepare_fsspec_args(FilesystemConfiguration("az://c/x"))["max_concurrency"] == 1


def test_the_client_of_a_listing(tmp_path):
    client = fsspec_from_resource(filesystem(str(tmp_path)))
    assert client.exists(str(tmp_path))
    assert fsspec_from_resource(filesystem("memory://x")).protocol == "memory"


@pytest.mark.parametrize(
    ("name", "kind", "encoding"),
    [
        ("a.csv", "text/csv", None),
        ("a.csv.gz", "text/csv", "gzip"),
        ("a.jsonl", "application/jsonl", None),
        ("a", "application/octet-stream", None),
        (".hidden", "application/octet-stream", None),
    ],
)
def test_types_by_name(name, kind, encoding):
    assert guess_mime_type(name) == (kind, encoding)


def test_times_of_listings():
    import datetime

    at = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    assert MTIME_DISPATCH["file"]({"mtime": 1704067200}) == at
    assert MTIME_DISPATCH["gs"]({"updated": "2024-01-01T00:00:00Z"}) == at
    assert MTIME_DISPATCH["az"]({"last_modified": at.replace(tzinfo=None)}) == at
    assert MTIME_DISPATCH["http"]({"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}) == at
    assert MTIME_DISPATCH["s3"]({"LastModified": at.astimezone(datetime.timezone(datetime.timedelta(hours=2)))}) == at
