"""Credentials of buckets, from the names that dlt has to those of fsspec's clients."""

import json
from typing import Any, Callable, Dict, Mapping, Sequence
from urllib.parse import urlsplit

_S3 = ("s3", "s3a")
_GS = ("gs", "gcs", "gdrive")
_AZ = ("az", "azure", "adl", "abfs", "abfss")

#: Fields of credentials that may be settings of their own.
FIELDS: Dict[str, Sequence[str]] = {
    **dict.fromkeys(
        _S3, ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "profile_name", "region_name", "endpoint_url")
    ),
    **dict.fromkeys(
        _GS,
        (
            "project_id",
            "private_key",
            "private_key_id",
            "client_email",
            "token_uri",
            "client_id",
            "client_secret",
            "refresh_token",
        ),
    ),
    **dict.fromkeys(
        _AZ,
        (
            "azure_storage_account_name",
            "azure_storage_account_key",
            "azure_storage_sas_token",
            "azure_tenant_id",
            "azure_client_id",
            "azure_client_secret",
            "azure_account_host",
        ),
    ),
    "sftp": (
        "sftp_port",
        "sftp_username",
        "sftp_password",
        "sftp_key_filename",
        "sftp_key_passphrase",
        "sftp_timeout",
        "sftp_banner_timeout",
        "sftp_auth_timeout",
        "sftp_channel_timeout",
        "sftp_allow_agent",
        "sftp_look_for_keys",
        "sftp_compress",
        "sftp_gss_auth",
        "sftp_gss_kex",
        "sftp_gss_deleg_creds",
        "sftp_gss_host",
        "sftp_gss_trust_dns",
    ),
    "hf": ("hf_token", "hf_endpoint"),
}


def options_of(protocol: str, credentials: Any, bucket_url: str = "") -> Dict[str, Any]:
    """The options of fsspec's client that credentials mean."""
    make = _OPTIONS.get(protocol)
    if make is None:
        return {}
    return {name: value for name, value in make(_fields(credentials), bucket_url).items() if value not in (None, {})}


def _fields(credentials: Any) -> Dict[str, Any]:
    """Credentials as a dict: they may also be an object, or JSON."""
    if credentials is None:
        return {}
    if isinstance(credentials, str):
        try:
            credentials = json.loads(credentials)
        except ValueError as cause:
            raise ValueError("credentials of a bucket are a dict, or JSON: the text that was given is neither") from cause
    if isinstance(credentials, Mapping):
        return dict(credentials)
    return {name: value for name, value in vars(credentials).items() if not name.startswith("_")}


def _s3(fields: Dict[str, Any], _: str) -> Dict[str, Any]:
    region = fields.get("region_name")
    return {
        "key": fields.get("aws_access_key_id"),
        "secret": fields.get("aws_secret_access_key"),
        "token": fields.get("aws_session_token"),
        "profile": fields.get("profile_name"),
        "endpoint_url": fields.get("endpoint_url"),
        "client_kwargs": {"region_name": region} if region else {},
    }


def _gs(fields: Dict[str, Any], _: str) -> Dict[str, Any]:
    if not fields.get("private_key") and not fields.get("refresh_token"):
        return {"project": fields.get("project_id")}
    kind = "service_account" if fields.get("private_key") else "authorized_user"
    token = {"type": kind, "token_uri": "https://oauth2.googleapis.com/token", **fields}
    return {"project": fields.get("project_id"), "token": token}


def _az(fields: Dict[str, Any], bucket_url: str) -> Dict[str, Any]:
    host = urlsplit(bucket_url).netloc.rpartition("@")[2]
    named = host.split(".")[0] if ".dfs." in host or ".blob." in host else None
    return {
        "account_name": fields.get("azure_storage_account_name") or named,
        "account_key": fields.get("azure_storage_account_key"),
        "sas_token": fields.get("azure_storage_sas_token"),
        "tenant_id": fields.get("azure_tenant_id"),
        "client_id": fields.get("azure_client_id"),
        "client_secret": fields.get("azure_client_secret"),
        "account_host": fields.get("azure_account_host"),
        # Without any secret the ways of the machine are tried.
        "anon": None if any(name.endswith(("key", "token", "secret")) for name in fields) else False,
    }


def _sftp(fields: Dict[str, Any], bucket_url: str) -> Dict[str, Any]:
    parts = urlsplit(bucket_url)
    options = {name[len("sftp_") :]: value for name, value in fields.items() if name.startswith("sftp_")}
    passphrase = options.pop("key_passphrase", None)
    return {"host": parts.hostname, "port": parts.port, "passphrase": passphrase, **options}


def _hf(fields: Dict[str, Any], _: str) -> Dict[str, Any]:
    return {"token": fields.get("hf_token"), "endpoint": fields.get("hf_endpoint")}


_OPTIONS: Dict[str, Callable[[Dict[str, Any], str], Dict[str, Any]]] = {
    **dict.fromkeys(_S3, _s3),
    **dict.fromkeys(_GS, _gs),
    **dict.fromkeys(_AZ, _az),
    "sftp": _sftp,
    "hf": _hf,
}
