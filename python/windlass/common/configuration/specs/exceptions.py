"""Exceptions with the reference's names and hierarchy."""

from typing import ClassVar, Tuple

from windlass.common.configuration.exceptions import ConfigurationException


class SpecException(ConfigurationException):
    pass


class OAuth2ScopesRequired(SpecException):
    _fields: ClassVar[Tuple[str, ...]] = ('spec',)


class NativeValueError(SpecException, ValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value', 'msg')


class InvalidConnectionString(NativeValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value', 'driver')


class InvalidGoogleNativeCredentialsType(NativeValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value')


class InvalidGoogleServicesJson(NativeValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value')


class InvalidGoogleOauth2Json(NativeValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value')


class InvalidBoto3Session(NativeValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value')


class InvalidAzureCredential(NativeValueError):
    _fields: ClassVar[Tuple[str, ...]] = ('spec', 'native_value')


class ObjectStoreRsCredentialsException(ConfigurationException):
    pass


class UnsupportedAuthenticationMethodException(ConfigurationException):
    pass
