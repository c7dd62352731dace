"""Schemas: tables, columns and settings of a source."""

import copy
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from windlass._native import native


class Schema:
    """All tables of a source. The engine keeps the form and counts the versions."""

    ENGINE_VERSION = 11

    def __init__(self, name: str, normalizers: Any = None) -> None:
        self._name = name
        self._normalizers = normalizers
        self._document: Optional[Dict[str, Any]] = None
        self._is_given = False
        self._max_table_nesting: Optional[int] = None
        self._root_key: Optional[bool] = None
        self._contract: Any = None
        if not name or len(name) > 64:
            from windlass.common.schema.exceptions import InvalidSchemaName

            raise InvalidSchemaName(name, msg=f"`{name}` cannot be the name of a schema: 1 to 64 characters")

    # -- the document

    def _doc(self) -> Dict[str, Any]:
        """The document, made when it is first looked at."""
        if self._document is None:
            self._document = json.loads(native().new_schema(self._name))
            if self._contract is not None:
                self._document["settings"]["schema_contract"] = self._contract
            for key, value in (("max_nesting", self._max_table_nesting), ("root_key_propagation", self._root_key)):
                if value is not None:
                    self._document["normalizers"]["json"].setdefault("config", {})[key] = value
        return self._document

    def document_for_engine(self) -> Optional[Dict[str, Any]]:
        """The document of a schema that was given or changed; `None` for one that the engine makes anew."""
        return self._doc() if self._is_given else None

    @classmethod
    def from_dict(
        cls,
        d: Dict[str, Any],
        remove_processing_hints: bool = False,
        bump_version: bool = True,
        validate_schema: bool = True,
    ) -> "Schema":
        """A schema from its document, of any engine version."""
        text = json.dumps(d, default=str)
        document = json.loads(native().read_schema(text, validate_schema, bump_version))
        schema = cls(document["name"])
        schema._document = document
        schema._is_given = True
        if remove_processing_hints:
            schema._strip()
        return schema

    @classmethod
    def from_stored_schema(cls, stored_schema: Dict[str, Any]) -> "Schema":
        """A schema from its stored document."""
        return cls.from_dict(stored_schema, bump_version=False)

    @classmethod
    def from_file(cls, path: Any) -> "Schema":
        """A schema from a YAML or JSON file."""
        path = Path(path)
        document = json.loads(native().parse_schema(path.read_text(encoding="utf-8"), str(path)))
        schema = cls.from_dict(document)
        schema._strip()
        return schema

    def _strip(self) -> None:
        for table in self._doc()["tables"].values():
            table.pop("x-normalizer", None)

    def to_dict(
        self,
        remove_defaults: bool = False,
        remove_processing_hints: bool = False,
        bump_version: bool = True,
    ) -> Dict[str, Any]:
        """The document."""
        document = copy.deepcopy(self._doc())
        if bump_version:
            document = json.loads(native().read_schema(json.dumps(document), False, True))
        if remove_processing_hints:
            for table in document["tables"].values():
                table.pop("x-normalizer", None)
        if remove_defaults:
            for table in document["tables"].values():
                table.pop("name", None)
                for column in table.get("columns", {}).values():
                    column.pop("name", None)
        return document  # type: ignore[no-any-return]

    def _export(self, kind: str, remove_processing_hints: bool = False) -> str:
        document = self.to_dict(remove_processing_hints=remove_processing_hints)
        return str(native().export_schema(json.dumps(document), kind))

    def to_pretty_json(self, remove_defaults: bool = True, remove_processing_hints: bool = False) -> str:
        """The document as JSON for people."""
        return json.dumps(self.to_dict(remove_defaults, remove_processing_hints), indent=2)

    def to_pretty_yaml(self, remove_defaults: bool = True, remove_processing_hints: bool = False) -> str:
        """The document as YAML for people."""
        return self._export("yaml", remove_processing_hints)

    def to_mermaid(self, remove_processing_hints: bool = False, **options: Any) -> str:
        """An entity relationship diagram for Mermaid."""
        _refuse_options("to_mermaid", options, ("hide_columns", "hide_descriptions", "include_dlt_tables"))
        return self._export("mermaid", remove_processing_hints)

    def to_dbml(self, remove_processing_hints: bool = False, **options: Any) -> str:
        """An entity relationship diagram for dbdiagram.io."""
        known = ("include_dlt_tables", "include_internal_dlt_ref", "include_parent_child_ref", "include_root_child_ref", "group_by_resource")
        _refuse_options("to_dbml", options, known)
        return self._export("dbml", remove_processing_hints)

    # -- what it is

    @property
    def name(self) -> str:
        """The name, which is also the source's."""
        return self._name

    @property
    def tables(self) -> Dict[str, Any]:
        """The tables by name."""
        return self._doc()["tables"]  # type: ignore[no-any-return]

    @property
    def settings(self) -> Dict[str, Any]:
        """Detections, default hints, preferred types, contract."""
        if self._document is None:
            return {} if self._contract is None else {"schema_contract": self._contract}
        return self._document["settings"]  # type: ignore[no-any-return]

    @property
    def version(self) -> Optional[int]:
        """How often it changed."""
        return self._doc().get("version")

    stored_version = version

    @property
    def version_hash(self) -> str:
        """The hash of its content."""
        return str(native().schema_hash(json.dumps(self._doc())))

    @property
    def stored_version_hash(self) -> Optional[str]:
        """The hash when its version was counted last."""
        return self._doc().get("version_hash")

    @property
    def previous_hashes(self) -> List[str]:
        """Former hashes, the newest first."""
        return list(self._doc().get("previous_hashes") or [])

    @property
    def is_modified(self) -> bool:
        """Whether its content changed since its version was counted."""
        return self.version_hash != self.stored_version_hash

    @property
    def is_new(self) -> bool:
        """Whether it was never stored."""
        return self._doc().get("version") in (None, 1) and not self.data_table_names()

    @property
    def naming(self) -> Any:
        """Its naming convention."""
        from windlass.common.normalizers.naming import NamingConvention

        return NamingConvention(self._doc()["normalizers"].get("names", "snake_case"))

    @property
    def references(self) -> List[Dict[str, Any]]:
        """References between tables."""
        found = []
        for table in self.tables.values():
            for reference in table.get("references") or []:
                found.append({"table": table["name"], **reference})
        return found

    def data_tables(self, seen_data_only: bool = False, include_incomplete: bool = False) -> List[Dict[str, Any]]:
        """The tables of data."""
        found = []
        for name, table in self.tables.items():
            if name.startswith("_dlt"):
                continue
            if seen_data_only and not (table.get("x-normalizer") or {}).get("seen-data"):
                continue
            complete = [column for column in table["columns"].values() if column.get("data_type")]
            if complete or include_incomplete:
                found.append(table)
        return found

    def data_table_names(self, seen_data_only: bool = False, include_incomplete: bool = False) -> List[str]:
        """The names of the tables of data."""
        return [table["name"] for table in self.data_tables(seen_data_only, include_incomplete)]

    def dlt_tables(self) -> List[Dict[str, Any]]:
        """The engine's own tables."""
        return [table for name, table in self.tables.items() if name.startswith("_dlt")]

    def dlt_table_names(self) -> List[str]:
        """The names of the engine's own tables."""
        return [table["name"] for table in self.dlt_tables()]

    def get_table(self, table_name: str) -> Dict[str, Any]:
        """A table by name."""
        return self.tables[table_name]  # type: ignore[no-any-return]

    def get_table_columns(self, table_name: str, include_incomplete: bool = False) -> Dict[str, Any]:
        """The columns of a table."""
        columns = self.tables[table_name]["columns"]
        if include_incomplete:
            return dict(columns)
        return {name: column for name, column in columns.items() if column.get("data_type")}

    def is_new_table(self, table_name: str) -> bool:
        """Whether a table is not there or has no columns."""
        return table_name not in self.tables or not self.get_table_columns(table_name)

    def get_preferred_type(self, col_name: str) -> Optional[str]:
        """The type that a column of this name gets."""
        import re

        for pattern, data_type in (self.settings.get("preferred_types") or {}).items():
            regex = pattern[3:] if pattern.startswith("re:") else f"^{re.escape(pattern)}$"
            if re.search(regex, col_name):
                return str(data_type)
        return None

    # -- changing it

    def _changed(self) -> Dict[str, Any]:
        self._is_given = True
        return self._doc()

    def clone(
        self, with_name: Optional[str] = None, remove_processing_hints: bool = False, update_normalizers: bool = False
    ) -> "Schema":
        """A copy."""
        fresh = copy.copy(self)
        fresh._document = copy.deepcopy(self._document)
        if with_name is not None:
            fresh._name = with_name
            if fresh._document is not None:
                fresh._document["name"] = with_name
        if remove_processing_hints and fresh._document is not None:
            fresh._strip()
        return fresh

    def update_table(
        self, partial_table: Dict[str, Any], normalize_identifiers: bool = True, merge_compound_props: bool = True
    ) -> Dict[str, Any]:
        """Adds a table, or what is new of it."""
        tables = self._changed()["tables"]
        name = partial_table["name"]
        if normalize_identifiers:
            name = native().normalize_name(name, "table_path")
        table = tables.setdefault(name, {"name": name, "columns": {}})
        for key, value in partial_table.items():
            if key not in ("name", "columns") and value is not None:
                table[key] = value
        for column in (partial_table.get("columns") or {}).values():
            own = column["name"]
            if normalize_identifiers:
                own = native().normalize_name(own, "column_path")
            merged = {**table["columns"].get(own, {}), **column, "name": own}
            table["columns"][own] = {key: value for key, value in merged.items() if value is not None}
        return partial_table

    def update_schema(self, schema: "Schema") -> None:
        """Adds the tables and settings of another schema."""
        for table in schema.tables.values():
            self.update_table(copy.deepcopy(table), normalize_identifiers=False)
        self._changed()["settings"].update(copy.deepcopy(schema.settings))

    def drop_tables(self, table_names: Any) -> List[Dict[str, Any]]:
        """Removes tables."""
        tables = self._changed()["tables"]
        return [tables.pop(name) for name in table_names]

    def set_schema_contract(self, settings: Any) -> None:
        """Sets what new tables, columns and types may do."""
        self._contract = settings
        if self._document is not None:
            if settings:
                self._document["settings"]["schema_contract"] = settings
            else:
                self._document["settings"].pop("schema_contract", None)

    def merge_hints(self, new_hints: Dict[str, Any], replace: bool = False, normalize_identifiers: bool = True) -> None:
        """Adds default hints of columns."""
        hints = self._changed()["settings"].setdefault("default_hints", {})
        for kind, patterns in new_hints.items():
            known = [] if replace else hints.setdefault(kind, [])
            known += [pattern for pattern in patterns if pattern not in known]
            hints[kind] = known

    def update_preferred_types(self, new_preferred_types: Dict[str, str], normalize_identifiers: bool = True) -> None:
        """Adds types of columns by name."""
        self._changed()["settings"].setdefault("preferred_types", {}).update(new_preferred_types)

    def add_type_detection(self, detection: str) -> None:
        """Adds a detection of types in texts."""
        detections = self._changed()["settings"].setdefault("detections", [])
        if detection not in detections:
            detections.append(detection)

    def remove_type_detection(self, detection: str) -> None:
        """Removes a detection of types in texts."""
        detections = self._changed()["settings"].setdefault("detections", [])
        if detection in detections:
            detections.remove(detection)

    @property
    def max_table_nesting(self) -> Optional[int]:
        """Levels of nesting that become tables."""
        return self._max_table_nesting

    @max_table_nesting.setter
    def max_table_nesting(self, value: Optional[int]) -> None:
        self._max_table_nesting = value

    @property
    def root_key(self) -> Optional[bool]:
        """Whether nested rows carry the id of their root."""
        return self._root_key

    @root_key.setter
    def root_key(self, value: Optional[bool]) -> None:
        self._root_key = value

    @staticmethod
    def expand_schema_contract_settings(settings: Any, default: Any = None) -> Dict[str, str]:
        """A contract with all of its parts."""
        if isinstance(settings, str):
            return {"tables": settings, "columns": settings, "data_type": settings}
        base = default or {"tables": "evolve", "columns": "evolve", "data_type": "evolve"}
        return {**base, **(settings or {})}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.version_hash == other.version_hash

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"<dlt.Schema(name='{self.name}', version={self._doc().get('version')}, tables={list(self.tables)})>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from windlass.helpers.notebook import schema_html

        return schema_html(self)




def _refuse_options(what: str, options: Dict[str, Any], known: Tuple[str, ...]) -> None:
    """Options of the reference that the engine does not have are named; all others are mistakes."""
    for name in options:
        if name in known:
            raise NotImplementedError(f"{what}({name}=...): windlass does not have it (yet); leave it out")
        raise TypeError(f"{what}() got an unexpected keyword argument '{name}'")


def __getattr__(name: str) -> Any:
    # Names of types, which the module of schemas itself does without.
    if name.isidentifier() and (name.startswith("T") or name == "COLUMN_HINTS"):
        import importlib

        module = importlib.import_module("windlass.common.schema.typing")
        if hasattr(module, name):
            return getattr(module, name)
    if name == "DataValidationError":
        from windlass.common.schema.exceptions import DataValidationError

        return DataValidationError
    raise AttributeError(f"module 'windlass.common.schema' has no attribute '{name}'")
