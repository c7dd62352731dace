"""Credentials for the arguments of sources."""

from windlass.common.configuration.specs import (
    AwsCredentials,
    AzureCredentials,
    AzureServicePrincipalCredentials,
    ConnectionStringCredentials,
    CredentialsConfiguration,
    GcpCredentials,
    GcpOAuthCredentials,
    GcpServiceAccountCredentials,
    OAuth2Credentials,
    SFTPCredentials,
    configspec,
)

__all__ = [
    "AwsCredentials",
    "AzureCredentials",
    "AzureServicePrincipalCredentials",
    "ConnectionStringCredentials",
    "CredentialsConfiguration",
    "GcpCredentials",
    "GcpOAuthCredentials",
    "GcpServiceAccountCredentials",
    "OAuth2Credentials",
    "SFTPCredentials",
    "configspec",
]
