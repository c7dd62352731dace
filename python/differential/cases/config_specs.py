"""Classes of settings and credentials."""

import os
from typing import List, Optional


def run(dlt, workdir):
    import importlib

    root = dlt.__name__
    specs = importlib.import_module(f"{root}.common.configuration.specs")
    configuration = importlib.import_module(f"{root}.common.configuration")
    typing = importlib.import_module(f"{root}.common.typing")
    found = []

    def t(call):
        try:
            found.append(call())
        except Exception as cause:
            found.append(type(cause).__name__)

    connection = specs.ConnectionStringCredentials
    c = connection("postgres://u:p%40@h:5432/db?a=1&b=2")
    t(lambda: dict(c))
    t(lambda: c.to_native_representation())
    t(lambda: str(c))
    t(lambda: c.get_query())
    t(lambda: connection({"drivername": "pg", "host": "h", "username": "u", "password": "x"}).to_native_representation())
    t(lambda: connection("nonsense"))
    t(lambda: [c.is_resolved(), c.is_partial()])

    @configuration.configspec
    class My(specs.BaseConfiguration):
        a: str = None
        n: int = 5
        s: typing.TSecretStrValue = None
        l: Optional[List[str]] = None
        __section__ = "my"

    m = My(a="x")
    t(lambda: dict(m))
    t(lambda: [m["a"], m.a, m.is_resolved(), list(m.get_resolvable_fields()), list(m), m.as_dict_nondefault()])
    m["n"] = 7
    m.update({"a": "z"})
    t(lambda: [m.n, m.a, m.copy() is m])
    t(lambda: m["nothing"])
    t(lambda: My.from_init_value({"a": "q"}).a)
    t(lambda: configuration.resolve_configuration(My()))
    os.environ.update(MY__A="env", MY__S="sec", MY__L='["1","2"]')
    t(lambda: dict(configuration.resolve_configuration(My())))
    t(lambda: dict(configuration.resolve_configuration(My(), sections=("sources", "x"))))
    os.environ["SOURCES__X__MY__N"] = "9"
    t(lambda: dict(configuration.resolve_configuration(My(), sections=("sources", "x"))))

    @configuration.with_config(spec=My, sections=("sources", "x"))
    def f(a=None, n=None, s=None):
        return a, n, s

    t(f)
    t(lambda: f(a="given"))
    os.environ.update(CRED__DRIVERNAME="postgres", CRED__DATABASE="d", CRED__HOST="h", CRED__USERNAME="u", CRED__PASSWORD="pw")

    @configuration.with_config
    def g(cred: specs.ConnectionStringCredentials = dlt.secrets.value):
        return cred.to_native_representation()

    t(g)
    os.environ["CRED"] = "mysql://u:p@h/d"
    t(g)
    with configuration.inject_section(specs.ConfigSectionContext(sections=("sources", "x"))):
        t(lambda: dict(configuration.resolve_configuration(My())))
    aws = specs.AwsCredentials(aws_access_key_id="k", aws_secret_access_key="s", region_name="eu")
    t(lambda: [dict(aws), aws.to_s3fs_credentials(), aws.to_session_credentials(), aws.to_object_store_rs_credentials()])
    azure = specs.AzureCredentials(azure_storage_account_name="n", azure_storage_account_key="k")
    t(lambda: [dict(azure), azure.to_adlfs_credentials()])
    account = '{"project_id":"p","private_key":"x","client_email":"e","type":"service_account"}'
    t(lambda: specs.GcpServiceAccountCredentials.from_init_value(account).client_email)
    client = '{"installed":{"client_id":"c","client_secret":"s","project_id":"p","refresh_token":"r","redirect_uris":["http://x"]}}'
    t(lambda: specs.GcpOAuthCredentials.from_init_value(client).refresh_token)
    t(lambda: dict(specs.OAuth2Credentials(client_id="a", client_secret="b", refresh_token="c", scopes=["x"])))

    @configuration.configspec
    class Token(specs.CredentialsConfiguration):
        token: typing.TSecretStrValue = None

    @configuration.configspec
    class Outer(specs.BaseConfiguration):
        inner: Token = None
        name: str = "n"

    t(lambda: Token.from_init_value("abc"))
    t(lambda: configuration.resolve_configuration(Outer()))
    os.environ["INNER__TOKEN"] = "tt"
    t(lambda: configuration.resolve_configuration(Outer()).inner.token)

    @dlt.resource(name="rows")
    def rows(inner: Token = dlt.secrets.value):
        yield {"a": inner.token}

    t(lambda: list(rows()))
    return found
