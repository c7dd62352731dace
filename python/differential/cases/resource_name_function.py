"""Resource name function."""

from _base import duck


def run(dlt, workdir):
    @dlt.resource(name=lambda args: "n_" + args["k"])
    def t(k):
        yield {"k": k}
    p = duck(dlt, workdir)
    p.run([t("a"), t("b")])
    return p
