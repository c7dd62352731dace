"""Credentials of clouds: AWS, Azure, Google, Hugging Face, SFTP, and OAuth 2."""

import json
from typing import Any, ClassVar, Dict, List, Optional, Union

from windlass.common.configuration.specs.base_configuration import (
    CredentialsConfiguration,
    CredentialsWithDefault,
    configspec,
    parse_json_fields,
)
from windlass.common.configuration.specs.exceptions import (
    InvalidBoto3Session,
    InvalidGoogleNativeCredentialsType,
    InvalidGoogleOauth2Json,
    InvalidGoogleServicesJson,
    OAuth2ScopesRequired,
    UnsupportedAuthenticationMethodException,
)
from windlass.common.typing import TSecretStrValue


def _without_none(values: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


@configspec
class AwsCredentialsWithoutDefaults(CredentialsConfiguration):
    """Keys of AWS, or the name of a profile."""

    aws_access_key_id: str = None  # type: ignore[assignment]
    aws_secret_access_key: TSecretStrValue = None  # type: ignore[assignment]
    aws_session_token: Optional[TSecretStrValue] = None
    profile_name: Optional[str] = None
    region_name: Optional[str] = None
    endpoint_url: Optional[str] = None
    s3_url_style: Optional[str] = None
    aws_sts_token_expiration_hours: float = 24.0

    def to_s3fs_credentials(self) -> Dict[str, Any]:
        """The arguments of `s3fs.S3FileSystem`."""
        found: Dict[str, Any] = {
            "key": self.aws_access_key_id,
            "secret": self.aws_secret_access_key,
            "token": self.aws_session_token,
            "profile": self.profile_name,
            "endpoint_url": self.endpoint_url,
        }
        if self.region_name:
            found["client_kwargs"] = {"region_name": self.region_name}
        return found

    def to_session_credentials(self) -> Dict[str, Any]:
        """The keys of a session."""
        return {
            "aws_access_key_id": self.aws_access_key_id,
            "aws_secret_access_key": self.aws_secret_access_key,
            "aws_session_token": self.aws_session_token,
        }

    def to_object_store_rs_credentials(self) -> Dict[str, Any]:
        """The options of object_store."""
        found = _without_none({**self.to_session_credentials(), "region": self.region_name, "endpoint_url": self.endpoint_url})
        if self.endpoint_url and self.endpoint_url.startswith("http://"):
            found["aws_allow_http"] = "true"
        return found

    def to_native_representation(self) -> Dict[str, Any]:
        """The fields."""
        return _without_none(dict(self))

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes the keys of a session of boto3 or botocore."""
        if not hasattr(native_value, "get_credentials"):
            raise InvalidBoto3Session(
                type(self), None, msg=f"{type(self).__name__} takes a session of boto3 or botocore, a dictionary, or its fields"
            )
        found = native_value.get_credentials()
        if found is not None:
            self.aws_access_key_id = found.access_key
            self.aws_secret_access_key = found.secret_key
            self.aws_session_token = found.token
        region = getattr(native_value, "region_name", None)
        self.region_name = region or native_value.get_config_variable("region") if region is None else region


@configspec
class AwsCredentials(AwsCredentialsWithoutDefaults, CredentialsWithDefault):
    """Keys of AWS, or what the machine has: its environment, profile or role."""


class _AzureFields:
    """What all credentials of Azure have in common."""

    def to_native_representation(self) -> Dict[str, Any]:
        """The fields."""
        return _without_none(dict(self))  # type: ignore[call-overload]

    def parse_native_representation(self, native_value: Any) -> None:
        """There is no such form."""
        raise NotImplementedError(f"{type(self).__name__} are given by their fields")


@configspec
class AzureCredentialsWithoutDefaults(_AzureFields, CredentialsConfiguration):
    """The name of a storage account, and its key or a token."""

    azure_storage_account_name: str = None  # type: ignore[assignment]
    azure_account_host: Optional[str] = None
    azure_storage_account_key: Optional[TSecretStrValue] = None
    azure_storage_sas_token: Optional[TSecretStrValue] = None
    azure_sas_token_permissions: str = "racwdl"
    azure_sas_token_expiration_hours: float = 24.0

    def to_adlfs_credentials(self) -> Dict[str, Any]:
        """The arguments of `adlfs.AzureBlobFileSystem`."""
        return {
            "account_name": self.azure_storage_account_name,
            "account_key": self.azure_storage_account_key,
            "sas_token": self.azure_storage_sas_token,
            "account_host": self.azure_account_host,
        }

    def to_object_store_rs_credentials(self) -> Dict[str, str]:
        """The options of object_store."""
        return _without_none(
            {
                "account_name": self.azure_storage_account_name,
                "account_key": self.azure_storage_account_key,
                "sas_token": self.azure_storage_sas_token,
            }
        )


@configspec
class AzureCredentials(AzureCredentialsWithoutDefaults, CredentialsWithDefault):
    """A storage account; without a key, what the machine has."""


@configspec
class AzureServicePrincipalCredentialsWithoutDefaults(_AzureFields, CredentialsConfiguration):
    """A storage account and an application that may use it."""

    azure_storage_account_name: str = None  # type: ignore[assignment]
    azure_account_host: Optional[str] = None
    azure_tenant_id: str = None  # type: ignore[assignment]
    azure_client_id: str = None  # type: ignore[assignment]
    azure_client_secret: TSecretStrValue = None  # type: ignore[assignment]

    def to_adlfs_credentials(self) -> Dict[str, Any]:
        """The arguments of `adlfs.AzureBlobFileSystem`."""
        return {
            "account_name": self.azure_storage_account_name,
            "account_host": self.azure_account_host,
            "tenant_id": self.azure_tenant_id,
            "client_id": self.azure_client_id,
            "client_secret": self.azure_client_secret,
        }

    def to_object_store_rs_credentials(self) -> Dict[str, str]:
        """The options of object_store."""
        return _without_none(
            {
                "account_name": self.azure_storage_account_name,
                "tenant_id": self.azure_tenant_id,
                "client_id": self.azure_client_id,
                "client_secret": self.azure_client_secret,
            }
        )


@configspec
class AzureServicePrincipalCredentials(AzureServicePrincipalCredentialsWithoutDefaults, CredentialsWithDefault):
    """An application; without its secret, what the machine has."""


AnyAzureCredentials = Union[AzureServicePrincipalCredentials, AzureCredentials]


@configspec
class GcpCredentials(CredentialsConfiguration):
    """A project of Google."""

    token_uri: ClassVar[str] = "https://oauth2.googleapis.com/token"
    auth_uri: ClassVar[str] = "https://accounts.google.com/o/oauth2/auth"

    project_id: str = None  # type: ignore[assignment]

    def to_native_representation(self) -> str:
        """The fields as JSON, as Google has them."""
        return json.dumps({"token_uri": self.token_uri, "auth_uri": self.auth_uri, **dict(self)}, separators=(",", ":"))

    def to_gcs_credentials(self) -> Dict[str, Any]:
        """The arguments of `gcsfs.GCSFileSystem`."""
        return {"project": self.project_id, "token": dict(json.loads(self.to_native_representation()))}


@configspec
class GcpServiceAccountCredentialsWithoutDefaults(GcpCredentials):
    """A service account."""

    private_key: TSecretStrValue = None  # type: ignore[assignment]
    private_key_id: Optional[str] = None
    client_email: str = None  # type: ignore[assignment]
    type: str = "service_account"

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes the JSON of a service account."""
        if hasattr(native_value, "service_account_email"):
            self.project_id = native_value.project_id
            self.client_email = native_value.service_account_email
            self.private_key = ""
            return
        known = parse_json_fields(self, native_value, InvalidGoogleServicesJson, "credentials of a service account")
        self.update({name: value for name, value in known.items() if name in self})

    def on_resolved(self) -> None:
        """Keys in files have `\\n` for their lines, and end with one."""
        if self.private_key and not str(self.private_key).endswith("\n"):
            self.private_key = f"{self.private_key}\n"

    def to_object_store_rs_credentials(self) -> Dict[str, str]:
        """The options of object_store."""
        return {"service_account_key": self.to_native_representation()}

    def to_native_credentials(self) -> Any:
        """The credentials of google-auth."""
        from google.oauth2.service_account import Credentials  # type: ignore

        return Credentials.from_service_account_info(json.loads(self.to_native_representation()))


@configspec
class GcpServiceAccountCredentials(GcpServiceAccountCredentialsWithoutDefaults, CredentialsWithDefault):
    """A service account, or what the machine has."""


GcpClientCredentials = GcpServiceAccountCredentialsWithoutDefaults
GcpClientCredentialsWithDefault = GcpServiceAccountCredentials


@configspec
class OAuth2Credentials(CredentialsConfiguration):
    """A client of OAuth 2 and its tokens."""

    client_id: str = None  # type: ignore[assignment]
    client_secret: TSecretStrValue = None  # type: ignore[assignment]
    refresh_token: Optional[TSecretStrValue] = None
    scopes: Optional[List[str]] = None
    token: Optional[TSecretStrValue] = None

    def auth(self, scopes: Any = None, redirect_url: Optional[str] = None) -> None:
        """Gets a token; what does that depends on the service."""
        raise NotImplementedError(f"{type(self).__name__} has no auth(): set `token`, or derive a class that gets one")

    def add_scopes(self, scopes: Any) -> None:
        """Adds scopes."""
        added = [scopes] if isinstance(scopes, str) else list(scopes)
        self.scopes = [*(self.scopes or []), *(scope for scope in added if scope not in (self.scopes or []))]


@configspec
class GcpOAuthCredentialsWithoutDefaults(GcpCredentials, OAuth2Credentials):
    """A client of Google and its refresh token."""

    refresh_token: TSecretStrValue = None  # type: ignore[assignment]
    client_type: str = "installed"

    def parse_native_representation(self, native_value: Any) -> None:
        """Takes the JSON of a client, or credentials of google-auth."""
        if hasattr(native_value, "refresh_token") and not isinstance(native_value, (str, bytes, dict)):
            for name in ("client_id", "client_secret", "refresh_token", "scopes", "token"):
                setattr(self, name, getattr(native_value, name, None))
            self.project_id = getattr(native_value, "project_id", None) or getattr(native_value, "quota_project_id", None) or ""
            return
        known = parse_json_fields(self, native_value, InvalidGoogleOauth2Json, "credentials of a client of Google")
        if len(known) == 1:
            kind, known = next(iter(known.items()))
            if not isinstance(known, dict):
                raise InvalidGoogleNativeCredentialsType(
                    type(self), None, msg="the JSON of a client of Google has one object, `installed` or `web`"
                )
            self.client_type = kind
        self.update({name: value for name, value in known.items() if name in self})

    def to_native_representation(self) -> str:
        """The JSON of a client."""
        fields = {name: value for name, value in dict(self).items() if name not in ("client_type", "token")}
        fields.update(token_uri=self.token_uri, auth_uri=self.auth_uri)
        return json.dumps({self.client_type: fields}, separators=(",", ":"))

    def auth(self, scopes: Any = None, redirect_url: Optional[str] = None) -> None:
        """Gets a token for the refresh token."""
        if scopes:
            self.add_scopes(scopes)
        if not self.scopes:
            raise OAuth2ScopesRequired(type(self))
        import urllib.parse
        import urllib.request

        asked = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "scope": " ".join(self.scopes),
            "grant_type": "refresh_token",
        }
        body = urllib.parse.urlencode(asked).encode()
        with urllib.request.urlopen(self.token_uri, body, timeout=60) as answer:
            self.token = json.load(answer)["access_token"]

    def to_object_store_rs_credentials(self) -> Dict[str, str]:
        """There is no such form."""
        raise UnsupportedAuthenticationMethodException("object_store takes a service account of Google, not a client of OAuth 2")


@configspec
class GcpOAuthCredentials(GcpOAuthCredentialsWithoutDefaults, CredentialsWithDefault):
    """A client of Google, or what the machine has."""


@configspec
class HfCredentials(CredentialsConfiguration):
    """A token of Hugging Face."""

    hf_token: Optional[TSecretStrValue] = None
    hf_endpoint: Optional[str] = None


@configspec
class SFTPCredentials(CredentialsConfiguration):
    """A user of a server for SFTP, and a password or key."""

    sftp_port: Optional[int] = 22
    sftp_username: Optional[str] = None
    sftp_password: Optional[TSecretStrValue] = None
    sftp_pkey: Optional[Any] = None
    sftp_key_filename: Optional[str] = None
    sftp_key_passphrase: Optional[TSecretStrValue] = None
    sftp_timeout: Optional[float] = None
    sftp_banner_timeout: Optional[float] = None
    sftp_auth_timeout: Optional[float] = None
    sftp_channel_timeout: Optional[float] = None
    sftp_allow_agent: Optional[bool] = True
    sftp_look_for_keys: Optional[bool] = True
    sftp_compress: Optional[bool] = False

    def to_fsspec_credentials(self) -> Dict[str, Any]:
        """The arguments of fsspec's `SFTPFileSystem`."""
        names = [name for name in self if name != "sftp_key_passphrase"]
        found = {name.replace("sftp_", "", 1): self[name] for name in names}
        return {**found, "passphrase": self.sftp_key_passphrase}
