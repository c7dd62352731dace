"""What is done with records: functions of the user's, and jq expressions, which the engine runs."""

import functools
import json
from typing import Any, List, Mapping, Optional, Sequence

from windlass.extract.items import ItemTransform
from windlass.extract.resource import DltResource


@functools.lru_cache(maxsize=256)
def _compiled(kind: str, expression: str) -> Any:
    from windlass._native import native

    return native().Steps([(kind, expression)])


def check_expression(kind: str, expression: str) -> Optional[str]:
    """What is wrong with an expression; `None` if nothing is."""
    from windlass._native import native

    try:
        _compiled(kind, expression)
    except native().EngineError as cause:
        return str(cause)
    return None


class JqStep(ItemTransform):
    """Passes records through a jq expression."""

    def __init__(self, kind: str, expression: str) -> None:
        self.kind = kind
        self.expression = expression

    def __call__(self, item: Any, meta: Any = None) -> Any:
        rows: List[Any] = item if isinstance(item, list) else [item]
        lines = "\n".join(json.dumps(row, default=str) for row in rows).encode()
        found = _compiled(self.kind, self.expression).run(lines)
        kept = [json.loads(line) for line in found.splitlines()]
        if isinstance(item, list) or len(kept) > 1:
            return kept or None
        return kept[0] if kept else None

    def __repr__(self) -> str:
        return f"JqStep({self.kind}: {self.expression!r})"


def add_steps(resource: DltResource, steps: Optional[Sequence[Mapping[str, Any]]]) -> DltResource:
    """Adds the steps of a configuration: of each entry the filter, then the map, then the map that yields."""
    for entry in steps or []:
        for kind, add in (
            ("filter", resource.add_filter),
            ("map", resource.add_map),
            ("yield_map", resource.add_yield_map),
        ):
            step = entry.get(kind)
            if isinstance(step, str):
                resource.add_step(JqStep(kind, step))
            elif step is not None:
                add(step)
    return resource
