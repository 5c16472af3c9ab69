"""The slow twin of the dump reader: `json.loads` a line, then the documented rules, one by one."""

import json
import math
import re
from typing import Any

STRINGS = ("id", "url", "domain", "subreddit", "author")
NUMBERS = ("score", "created_utc")
BOOLEANS = ("is_self", "over_18", "promoted")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")

Row = dict[str, Any]


class _Text(str):
    """A number of the JSON text as it stands there."""


def _string(value: object) -> str | None:
    if not isinstance(value, str) or isinstance(value, _Text):
        return None
    return re.sub("[\ud800-\udfff]", "\ufffd", value)


def _number(value: object) -> int | None:
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        return None
    if re.search("[.eE]", value):
        number = float(value)
        if math.isinf(number):
            return None
        whole = math.floor(number)
    else:
        # int() refuses texts of more than 4,300 digits; these are out of range in any case.
        whole = int(value) if len(value) < 4000 else 1 << 64
    return whole if -(1 << 63) <= whole < 1 << 63 else None


def _loads(text: str) -> object:
    return json.loads(text, parse_int=_Text, parse_float=_Text, parse_constant=lambda _: None)


def scan_line(line: bytes) -> Row:
    """Status and fields of one line."""
    damaged: Row = dict.fromkeys((*STRINGS, *NUMBERS, *BOOLEANS)) | {"status": 1}
    damaged["begins"] = line[:1000].decode("utf-8", "replace")
    try:
        data = _loads(line.decode("utf-8"))
    except ValueError:
        return damaged
    if not isinstance(data, dict):
        return damaged
    kind = data.get("kind")
    inner = data.get("data")
    if _string(kind) in ("t1", "t3") and isinstance(inner, dict):
        data = inner
    comment = "body" in data and "link_id" in data and "title" not in data and "url" not in data
    row: Row = {name: _string(data.get(name)) for name in STRINGS}
    if row["id"] is not None:
        row["id"] = row["id"].removeprefix("t3_")
    row |= {name: _number(data.get(name)) for name in NUMBERS}
    row |= {name: data[name] if isinstance(data.get(name), bool) else None for name in BOOLEANS}
    return row | {"status": 2 if comment else 0, "begins": None}


def read(text: bytes) -> list[Row]:
    """The rows of a whole dump's text."""
    rows = []
    for number, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n")):
        line = line.lstrip(b"\0")
        if line.strip(b" \t\r"):
            rows.append({"line": number} | scan_line(line))
    return rows
