"""`--links FILE`: a table of links for people who have no dumps.

CSV, JSONL or Parquet with `url`, `karma`, `created_utc` and, where given, `subreddit`, `over_18`,
`submission_id`; read into the columns of a dump, so that the same rules apply.
"""

import csv
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.dump import Status
from webtext_py.engine import advance
from webtext_py.errors import FormatError, InputError

_ROWS = 65536
_NEEDED = ("url", "karma", "created_utc")
_SCHEMA = pa.schema(
    {
        "status": pa.uint8(),
        "id": pa.string(),
        "url": pa.string(),
        "domain": pa.string(),
        "subreddit": pa.string(),
        "score": pa.int64(),
        "created_utc": pa.int64(),
        "is_self": pa.bool_(),
        "over_18": pa.bool_(),
        "promoted": pa.bool_(),
    }
)


def read_links(path: Path) -> Iterator[pa.RecordBatch]:
    """Batches in the columns that the line rules judge; a row that cannot be read is `damaged`."""
    with path.open("rb") as stream:
        head = stream.read(4)
    if not head:
        raise InputError(f"`{path}` is empty; a CSV, JSONL or Parquet of links was expected")
    if head == b"PAR1":
        rows = _parquet(path)
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        rows = _jsonl(path)
    else:
        rows = _csv(path)
    held: list[dict[str, Any]] = []
    for row in rows:
        held.append(_columns(row))
        if len(held) == _ROWS:
            yield pa.RecordBatch.from_pylist(held, _SCHEMA)
            held = []
    if held:
        yield pa.RecordBatch.from_pylist(held, _SCHEMA)


def _need(path: Path, names: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(
            f"`{path}` has no column `{missing[0]}`; it has {', '.join(names) or 'none'}",
            f"a table of links needs {', '.join(_NEEDED)}",
        )


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(path) as file:
            _need(path, file.schema_arrow.names)
            wanted = [n for n in file.schema_arrow.names if n in (*_NEEDED, *_OPTIONAL)]
            for batch in file.iter_batches(_ROWS, columns=wanted, use_threads=False):
                yield from batch.to_pylist()
    except pa.ArrowInvalid as error:
        raise FormatError(f"`{path}` is a damaged Parquet file: {error}") from error


_OPTIONAL = ("subreddit", "over_18", "submission_id")


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    first = True
    with path.open("rb") as stream:
        for line in stream:
            advance(len(line))
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                yield {"damaged": True}
                continue
            if first:
                _need(path, list(row))
                first = False
            yield row


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(_without_nul(stream))
        try:
            _need(path, [name for name in reader.fieldnames or [] if name])
            yield from reader
        except csv.Error as error:
            raise FormatError(f"`{path}` line {reader.line_num} is no CSV: {error}") from error


def _without_nul(stream: Any) -> Iterator[str]:
    for line in stream:
        yield line.replace("\0", "")


def _columns(row: dict[str, Any]) -> dict[str, Any]:
    try:
        url = row.get("url")
        return {
            "status": Status.DAMAGED if row.get("damaged") else Status.OK,
            "id": _text(row.get("submission_id")),
            "url": _text(url),
            "subreddit": _text(row.get("subreddit")),
            "score": _number(row.get("karma")),
            "created_utc": _time(row.get("created_utc")),
            "over_18": str(row.get("over_18") or "").lower() in ("true", "1"),
        }
    except (ValueError, OverflowError):
        return {"status": Status.DAMAGED}


def _text(value: Any) -> str | None:
    text = None if value is None else str(value).strip()
    return text.encode("utf-8", "replace").decode() if text else None


def _number(value: Any) -> int | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, int) else int(float(value))


def _time(value: Any) -> int | None:
    """Unix seconds of an integer, float, digits, ISO text or a time; naive times are UTC."""
    if isinstance(value, str) and value.strip():
        try:
            return int(float(value))
        except ValueError:
            value = dt.datetime.fromisoformat(value.strip())
    if isinstance(value, dt.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return int(aware.timestamp() // 1)
    return _number(value)
