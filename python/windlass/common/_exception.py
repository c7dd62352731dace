"""The base of all exceptions."""

import re
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Tuple

_TEXTS = ("msg", "message", "reason", "details", "failed_message", "error", "_help")


class DltException(Exception):
    """The base of all exceptions of the library.

    A subclass names its arguments in `_fields`; they become attributes. The text is the argument that holds one, else
    all arguments by name.
    """

    _fields: ClassVar[Tuple[str, ...]] = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A class that is also a KeyError or ImportError is made and shown as one of ours all the same.
        for name in ("__init__", "__str__"):
            if name not in vars(cls):
                setattr(cls, name, vars(DltException)[name])

    def __str__(self) -> str:
        return " ".join(str(arg) for arg in self.args)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields = type(self)._fields
        values: Dict[str, Any] = dict(zip(fields, args))
        values.update(kwargs)
        for name, value in values.items():
            setattr(self, name, value)
        super().__init__(self._text(values, args))

    @classmethod
    def _text(cls, values: Dict[str, Any], args: Tuple[Any, ...]) -> str:
        for name in _TEXTS:
            if isinstance(values.get(name), str) and values[name]:
                return str(values[name])
        if values:
            return ", ".join(f"{name}={value!r}" for name, value in values.items() if not name.startswith("_"))
        return " ".join(str(arg) for arg in args) or cls._words()

    @classmethod
    def _words(cls) -> str:
        """The name of the class as words, which says more than nothing."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()

    def __reduce__(self) -> Any:
        return (_rebuild, (type(self), self.args, self.__dict__))

    def attrs(self) -> Dict[str, Any]:
        """The public attributes, for traces."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


def _rebuild(kind: Any, args: Tuple[Any, ...], attributes: Dict[str, Any]) -> BaseException:
    exception: BaseException = kind.__new__(kind)
    exception.args = args
    exception.__dict__.update(attributes)
    return exception
