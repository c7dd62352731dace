"""`Wei`: decimals of 78 digits."""

from decimal import Context, Decimal

EVM_DECIMAL_PRECISION = 69
WEI_SCALE = 18
WEI_SCALE_POW = 10**18


class Wei(Decimal):
    """A decimal in a unit of which 10**18 are one."""

    ctx = Context(prec=EVM_DECIMAL_PRECISION)

    @classmethod
    def from_int256(cls, value: int, decimals: int = 0) -> "Wei":
        """The decimal of an integer with so many digits behind its point."""
        return cls(Decimal(value).scaleb(-decimals, cls.ctx))
