"""`--links FILE`: a table of links for people who have no dumps.

CSV, JSONL or Parquet with `url`, `karma`, `created_utc` and, where given, `subreddit`, `over_18`,
`submission_id`; read into the columns of a dump, so that the same rules apply.
"""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pyarrow as pa

from webtext_py.dump import SCHEMA, Status
from webtext_py.engine import advance
from webtext_py.errors import InputError
from webtext_py.reader import (
    Passed,
    group_batches,
    naming_damage,
    open_any,
    open_parquet,
    rows_of,
    to_int64,
    to_micros,
)
from webtext_py.reader.delimited import delimited
from webtext_py.reader.fields import json_object
from webtext_py.reader.files import shown
from webtext_py.reader.ids import clean, id_text
from webtext_py.reader.kinds import is_arrow
from webtext_py.reader.packed import refuse_utf16
from webtext_py.reader.parquet import arrow_batches

_ROWS = 65536
_NEEDED = ("url", "karma", "created_utc")
_OPTIONAL = ("subreddit", "over_18", "submission_id")
_MOST = 1 << 24  # our choice: bytes of a line
_BEGINS = 1000  # of a damaged one, kept for the ledger's sample
_SCHEMA = pa.schema([field.with_nullable(True) for field in SCHEMA])  # a table has some of them


def read_links(path: Path, passed: Passed | None = None) -> Iterator[pa.RecordBatch]:
    """Batches in the columns that the line rules judge; a row that cannot be read is `damaged`.

    Columns that no rule looks at are counted in `passed`.
    """
    passed = Passed() if passed is None else passed
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise InputError(f"`{shown(path)}` is empty; a CSV, JSONL or Parquet of links was expected")
    rows: Iterator[dict[str, Any] | str]
    if head.startswith(b"PAR1") or is_arrow(head):
        rows = _table(path, head, passed)
    else:
        with naming_damage(path), open_any(path) as packed:
            start = packed.read(4096)
            refuse_utf16(start, shown(path))
            start = start.lstrip(b"\xef\xbb\xbf \t\r\n")
        rows = _jsonl(path, passed) if start.startswith(b"{") else _csv(path, passed)
    judged = ({"line": number, **_columns(row)} for number, row in enumerate(rows))
    while held := list(islice(judged, _ROWS)):
        yield pa.RecordBatch.from_pylist(held, _SCHEMA)


def _need(path: Path, names: list[str], passed: Passed) -> None:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        said = clean(", ".join(names))[:300] or "none"
        raise InputError(
            f"`{shown(path)}` has no column `{missing[0]}`; it has {said}",
            f"a table of links needs {', '.join(_NEEDED)}",
        )
    for name in names:
        if name not in (*_NEEDED, *_OPTIONAL):
            passed.add("fields", f"{clean(name)[:60]}: not used")


def _table(path: Path, head: bytes, passed: Passed) -> Iterator[dict[str, Any]]:
    if is_arrow(head):
        schema, batches = arrow_batches(path)
        _need(path, schema.names, passed)
    else:
        file = open_parquet(path)
        schema = file.schema_arrow
        _need(path, schema.names, passed)
        wanted = [name for name in schema.names if name in (*_NEEDED, *_OPTIONAL)]
        batches = group_batches(file, path, wanted)
    for batch in batches:
        yield from rows_of(batch, passed)


def _jsonl(path: Path, passed: Passed) -> Iterator[dict[str, Any] | str]:
    """The rows; of a line that is none, how it begins."""
    first = True
    with naming_damage(path), open_any(path) as stream:
        while line := stream.readline(_MOST):
            advance(len(line))
            if not line.strip():
                continue
            row = json_object(line)
            if row is not None and first:
                _need(path, list(row), passed)
                first = False
            yield row if row is not None else line[:_BEGINS].decode("utf-8", "replace")


def _csv(path: Path, passed: Passed) -> Iterator[dict[str, Any] | str]:
    broken = Passed()
    with naming_damage(path), open_any(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline="")
        lines = _without_nul(text)
        need = partial(_need, path, passed=passed)
        yield from delimited(lines, shown(path), broken, begin=need)
    for count in broken.document().get("rows", {}).values():
        yield from repeat("", count)


def _without_nul(stream: Any) -> Iterator[str]:
    while line := stream.readline(_MOST):
        yield line.replace("\0", "")


def _columns(row: dict[str, Any] | str) -> dict[str, Any]:
    """A row in the columns of a dump; damaged where it is none (text: how it begins), or a value is
    not what its column says."""
    if isinstance(row, str):
        return {"status": Status.DAMAGED, "begins": row}
    try:
        return {
            "status": Status.OK,
            "id": id_text(row.get("submission_id")),
            "url": _text(row.get("url")),
            "subreddit": _text(row.get("subreddit")),
            "score": _number(row.get("karma")),
            "created_utc": _time(row.get("created_utc")),
            "over_18": str(row.get("over_18") or "").lower() in ("true", "1"),
        }
    except (ValueError, OverflowError):
        with suppress(ValueError, TypeError, RecursionError):
            # Its other columns may hold the text of a page.
            known = {name: row[name] for name in (*_NEEDED, *_OPTIONAL) if name in row}
            said = json.dumps(known, default=repr)
            return {"status": Status.DAMAGED, "begins": said[:_BEGINS]}
        return {"status": Status.DAMAGED}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode()
    if not isinstance(value, str):
        raise ValueError("no text")
    text = value.strip()
    text.encode()  # a lone surrogate is an error of ValueError's kind
    return text or None


def _number(value: Any) -> int | None:
    if value is None or value == "":
        return None
    number = to_int64(value)
    if number is None:
        raise ValueError("no 64-bit number")
    return number


def _time(value: Any) -> int | None:
    """Unix seconds of a time in any form (`reader.times`)."""
    micros = to_micros(value)
    # What is none may be seconds outside the calendar: the line rules say so.
    return _number(value) if micros is None else micros // 10**6
