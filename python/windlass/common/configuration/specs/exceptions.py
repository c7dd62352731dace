"""Exceptions with the reference's names and hierarchy."""

from windlass.common.configuration.exceptions import ConfigurationException


class SpecException(ConfigurationException):
    pass


class OAuth2ScopesRequired(SpecException):
    _fields = ('spec',)


class NativeValueError(SpecException, ValueError):
    _fields = ('spec', 'native_value', 'msg')


class InvalidConnectionString(NativeValueError):
    _fields = ('spec', 'native_value', 'driver')


class InvalidGoogleNativeCredentialsType(NativeValueError):
    _fields = ('spec', 'native_value')


class InvalidGoogleServicesJson(NativeValueError):
    _fields = ('spec', 'native_value')


class InvalidGoogleOauth2Json(NativeValueError):
    _fields = ('spec', 'native_value')


class InvalidBoto3Session(NativeValueError):
    _fields = ('spec', 'native_value')


class InvalidAzureCredential(NativeValueError):
    _fields = ('spec', 'native_value')


class ObjectStoreRsCredentialsException(ConfigurationException):
    pass


class UnsupportedAuthenticationMethodException(ConfigurationException):
    pass
