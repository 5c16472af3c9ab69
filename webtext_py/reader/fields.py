"""The fields of JSON objects as columns: the narrowest type that all values of a field fit.

Null fits any; whole numbers are int64, with fractions among them float64; lists and objects are
lists and structs of such. Where values are of several kinds, or a number does not fit, or nesting
and names go beyond what a table can have, a field is JSON text.
"""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from webtext_py.reader.ids import ID_COLUMNS, clean, id_text

MOST_FIELDS = 2000  # our choice: of all levels together
MOST_LEVELS = 16  # our choice
_JSON = {b"webtext": b"json"}  # marks a field that is JSON text
_ID = {b"webtext": b"id"}  # marks ids of several kinds, as text


class _Kind:
    """What the values of a field are."""

    __slots__ = ("item", "kinds", "members")

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.item: _Kind | None = None
        self.members: dict[str, _Kind] = {}

    def add(self, value: Any, level: int, room: list[int]) -> None:
        """Adds a value; `room` is how many more names there may be."""
        kind = _kind(value)
        self.kinds.add(kind)
        if kind not in ("list", "object") or "json" in self.kinds:
            return
        if level >= MOST_LEVELS:
            self.kinds.add("json")
        elif kind == "list":
            self.item = self.item or _Kind()
            for item in value:
                self.item.add(item, level + 1, room)
        else:
            for name, member in value.items():
                if name not in self.members:
                    if room[0] <= 0:
                        self.kinds.add("json")
                        return
                    room[0] -= 1
                    self.members[name] = _Kind()
                self.members[name].add(member, level + 1, room)

    def type(self) -> pa.DataType | None:
        """The type, None for JSON text."""
        kinds = self.kinds - {"null"}
        if not kinds:
            return pa.null()
        if kinds == {"int", "float"}:
            return pa.float64()
        if len(kinds) > 1:
            return None
        [kind] = kinds
        if kind == "list":
            inner = self.item.type() if self.item is not None else pa.null()
            return None if inner is None else pa.list_(pa.null() if inner is None else inner)
        if kind == "object":
            members = {clean(name): member.type() for name, member in self.members.items()}
            if not members or None in members.values() or len(members) != len(self.members):
                return None
            return pa.struct(list(members.items()))
        plain = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
        return {**plain, "text": pa.large_string()}.get(kind)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**63 else "json"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


class Fields:
    """The fields of rows seen so far."""

    def __init__(self) -> None:
        self._whole = _Kind()
        self._room = [MOST_FIELDS]

    def add(self, row: dict[str, Any]) -> None:
        """Adds a row."""
        self._whole.add(row, 0, self._room)

    def schema(self) -> pa.Schema:
        """The columns, in the order of their first appearance; a row with more names than a table
        can have, or one that is no UTF-8, is the one column `row`, of JSON text."""
        if "json" in self._whole.kinds or any(clean(n) != n for n in self._whole.members):
            return pa.schema([pa.field("row", pa.large_string(), metadata=_JSON)])
        fields = []
        for name, kind in self._whole.members.items():
            found = kind.type()
            if found is not None:
                fields.append(pa.field(name, found))
            elif name in ID_COLUMNS:
                fields.append(pa.field(name, pa.string(), metadata=_ID))
            else:
                fields.append(pa.field(name, pa.large_string(), metadata=_JSON))
        return pa.schema(fields)


def json_object(line: bytes | str) -> dict[str, Any] | None:
    """The object in a line of JSON; None where there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def columns_of(rows: Sequence[dict[str, Any]], fields: pa.Schema) -> list[pa.Array]:
    """The rows' columns of such a schema; a text's lone surrogates become U+FFFD."""
    whole = fields.names == ["row"] and fields.field(0).metadata == _JSON
    if whole and rows and "row" not in rows[0]:
        return [pa.array([_spelled(row) for row in rows], pa.large_string())]
    columns = []
    for field in fields:
        values = [row.get(field.name) for row in rows]
        if field.metadata == _ID:
            values = [id_text(value) for value in values]
        elif field.metadata == _JSON:
            values = [None if value is None else _spelled(value) for value in values]
        else:
            values = [_valid(value) for value in values]
        columns.append(pa.array(values, field.type))
    return columns


def _spelled(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False))


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_valid(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): _valid(item) for name, item in value.items()}
    return value
