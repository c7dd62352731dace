"""Names of columns that come to one name, which would be one value for two."""

from typing import Any, Dict, Sequence, Set, Tuple

from windlass.common.configuration.resolve import lookup
from windlass.common.normalizers.naming import NamingConvention


class ColumnNames:
    """The columns of files and tables whose rows no step of the pipe renames."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._known: Set[Tuple[str, ...]] = set()

    def check(self, resource: str, columns: Sequence[str]) -> None:
        """Raises ValueError for two columns of one name, as the engine does where rows come as columns."""
        if not columns or tuple(columns) in self._known:
            return
        self._known.add(tuple(columns))
        if lookup("collisions", (), embedded=("schema",))[0] == "number":
            return
        naming = self._naming()
        taken: Dict[str, str] = {}
        for column in columns:
            name = naming.normalize_path(column)
            first = taken.setdefault(name, column)
            if first != column:
                raise ValueError(
                    f"two columns are called `{name}` after normalization: `{first}` and `{column}` (resource "
                    f"`{resource}`): rename one of them with add_map, load with schema.naming: duck_case if they differ "
                    "under it, or set schema.collisions: number to keep both under numbered names"
                )

    def _naming(self) -> Any:
        from windlass.pipeline.active import active

        name, _ = lookup("naming", (), embedded=("schema",))
        if name is None:
            name = getattr(getattr(active(), "destination", None), "naming", None)
        return NamingConvention(name) if isinstance(name, str) else self._source.schema.naming
