"""CSV with arguments of pandas."""

from _base import duck
from _files import put, source


def run(dlt, workdir):
    put(workdir, "o.csv", "id;when;x;flag\n1;2024-01-02;;True\n2;2024-01-03;4;False\n")
    p = duck(dlt, workdir)
    options = {"sep": ";", "dtype": {"id": str}, "parse_dates": ["when"], "usecols": ["id", "when", "flag"]}
    p.run((source(dlt).filesystem(f"{workdir}/in") | source(dlt).read_csv(**options)).with_name("rows"))
    return p
