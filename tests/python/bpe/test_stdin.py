"""Standard input is read by the rules of a file with the same bytes."""

import bz2
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py.bpe import texts
from webtext_py.errors import FormatError, InputError

ROWS = [{"id": 1, "text": "one two"}, {"id": 2, "text": "three\nfour"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def piped(monkeypatch: pytest.MonkeyPatch, data: bytes) -> list[bytes]:
    """The texts of standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    [source] = texts.sources(["-"])
    columns = texts.batches(source, "text", "document")
    return [v if isinstance(v, bytes) else v.encode() for c in columns for v in c.to_pylist()]


def table() -> bytes:
    """The rows as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return bytes(sink.getvalue().to_pybytes())


def stream() -> bytes:
    """The rows as an Arrow stream."""
    sink = pa.BufferOutputStream()
    rows = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    "data",
    [LINES, b"\xef\xbb\xbf" + LINES, b"\n" + LINES, table(), stream()],
    ids=["lines", "mark", "blank", "parquet", "arrow"],
)
def test_rows_are_read_as_from_a_file(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    assert piped(monkeypatch, data) == [b"one two", b"three\nfour"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zstandard.compress])
def test_compressed_input_is_told_by_its_bytes(
    monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    assert piped(monkeypatch, pack(LINES)) == [b"one two", b"three\nfour"]
    assert b"".join(piped(monkeypatch, pack(b"plain text\n" * 3))) == b"plain text\n" * 3


def test_text_stays_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for data in (b"one two\n", b"\xef\xbb\xbfone two\n", b"[1]\n", b""):
        path = tmp_path / "a"
        path.write_bytes(data)
        [source] = texts.sources([path])
        found = [v for c in texts.batches(source, "text", "document") for v in c.to_pylist()]
        assert piped(monkeypatch, data) == found


def test_errors_name_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="`standard input` line 2 has no text under `text`"):
        piped(monkeypatch, LINES.splitlines(True)[0] + b'{"body": 1}\n')
    with pytest.raises(FormatError, match="`standard input` is cut or damaged"):
        piped(monkeypatch, gzip.compress(LINES * 1000)[:-20])
    with pytest.raises(InputError, match="standard input` is a binary file"):
        piped(monkeypatch, b"\0\1")


def test_a_list_of_objects_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="`standard input` is a JSON array"):
        piped(monkeypatch, json.dumps(ROWS).encode())
    assert b"".join(piped(monkeypatch, b"[Music] one two")) == b"[Music] one two"
