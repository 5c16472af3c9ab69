"""What a file of text is, by its content and then its name; which files of a folder are text."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from webtext_py.errors import FormatError, InputError
from webtext_py.reader.fields import json_object
from webtext_py.reader.files import ending_of, files_in, named_files, plain_name, shown
from webtext_py.reader.packed import (
    ENDINGS,
    Compression,
    compression_of,
    naming_damage,
    open_packed,
    refuse_utf16,
)
from webtext_py.reader.passed import Passed

Kind = Literal["parquet", "arrow", "jsonl", "text"]
_TEXT_ENDINGS = (".txt", ".text", ".md", ".raw")
_LINES_ENDINGS = (".jsonl", ".ndjson")
_CELLS_ENDINGS = (".csv", ".tsv")
_KNOWN_ENDINGS = (".parquet", *_LINES_ENDINGS, *_TEXT_ENDINGS)
_CARDS = ("readme.md", "readme.txt", "readme", "license", "license.txt", "license.md")
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Source:
    """A file of texts."""

    path: Path
    kind: Kind
    compression: Compression = ""


def list_sources(
    paths: Sequence[str | Path], *, text_field: str = "text", passed: Passed | None = None
) -> list[Source]:
    """The files that `paths` (files, folders, globs) name, each once, in a stable order.

    Of a folder those count whose name or first bytes say Parquet, Arrow, JSONL or text; a `.json`
    file where its first line is a whole object with `text_field`. The rest (cards, metadata, other
    formats) is added to `passed`. A file named itself is taken by its content. Raises `InputError`
    for what is missing, empty or not text.
    """
    passed = Passed() if passed is None else passed
    found: dict[Path, Source] = {}
    for given in paths:
        for path in named_files(given):
            unwanted = partial(no_text, text_field=text_field)
            files = files_in(path, unwanted, passed) if path.is_dir() else [path]
            for file in files:
                found.setdefault(file.resolve(), recognise(file))
    if not found:
        given = ", ".join(f"`{shown(path)}`" for path in paths)
        raise InputError(f"no file of text in {given or 'no path'}")
    return list(found.values())


def no_data_file(path: Path) -> str | None:
    """Why an Arrow file is none of the data set in whose folder it lies; else None.

    `datasets` lists the files of a saved set in `state.json`, and leaves caches beside them.
    """
    state = path.with_name("state.json")
    try:
        listed = {row["filename"] for row in json.loads(state.read_bytes())["_data_files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return None if path.name in listed else f"{ending_of(path)}: not of the saved data set"


def no_text(path: Path, text_field: str) -> str | None:
    """Why a file of a folder is passed over; None for one to read."""
    plain = plain_name(path)
    if path.parent.name == "duplicates" and (path.parents[1] / "manifest.json").exists():
        return "duplicates: what `webtext dedup` removed"
    if plain in _CARDS:
        return f"{path.name.lower()}: a card"
    if plain.endswith(_KNOWN_ENDINGS):
        return None
    with path.open("rb") as stream:
        head = stream.read(8)
    if is_arrow(head) and not compression_of(head):
        return no_data_file(path)
    if head.startswith(b"PAR1"):
        return None
    if plain.endswith(".json"):
        lacks = f"{ending_of(path)}: no lines with `{text_field}`"
        return None if _has_lines(path, text_field) else lacks
    return f"{ending_of(path)}: no text by its name"


def _has_lines(path: Path, text_field: str) -> bool:
    """Whether the first line is a whole object with the text."""
    first = b""
    try:
        with naming_damage(path), open_packed(path) as stream:
            while not first.strip():
                first = stream.readline(_SAMPLE * 64)
                if not first:
                    return False
    except FormatError:
        return False
    return text_field in (json_object(first) or ())


def is_arrow(head: bytes) -> bool:
    """Whether a file begins like Arrow's, as a file or as a stream."""
    return head.startswith((b"ARROW1", b"\xff\xff\xff\xff"))


def recognise(path: Path) -> Source:
    """The kind and compression of a file, by its first bytes and then its name."""
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PAR1"):
        return Source(path, "parquet")
    if is_arrow(head):
        return Source(path, "arrow")
    if path.name.lower().endswith(".parquet"):
        raise FormatError(f"`{shown(path)}` is a damaged Parquet file: it does not begin like one")
    compression = compression_of(head)
    with naming_damage(path), open_packed(path, compression) as stream:
        sample = stream.read(4096)
    return Source(path, kind_of(sample, plain_name(path), shown(path)), compression)


def kind_of(sample: bytes, name: str, said: str) -> Literal["jsonl", "text"]:
    """Whether the first bytes of something called `name` are JSONL or text; raises `InputError`
    for neither, which it calls `said`."""
    refuse_utf16(sample, said)
    if b"\0" in sample:
        raise InputError(
            f"`{said}` is a binary file; Parquet, JSONL or plain text was expected",
            f"unpack it if it is packed, but for {', '.join(ENDINGS)}",
        )
    start = sample.lstrip(b"\xef\xbb\xbf \t\r\n")
    array = rb"\[" if name.endswith((*_LINES_ENDINGS, ".json")) else rb'\[\s*\{\s*"'
    if re.match(array, start) and not name.endswith(_TEXT_ENDINGS):
        raise InputError(
            f"`{said}` is a JSON array; one JSON object a line was expected",
            "write each of its items on a line of its own",
        )
    if name.endswith(_CELLS_ENDINGS):
        raise InputError(
            f"`{said}` is a table of cells; Parquet, JSONL or plain text was expected",
            "write it as Parquet or JSONL, or call it `.txt` where each line is text as it stands",
        )
    looks_json = start.startswith(b"{")
    if name.endswith(_LINES_ENDINGS) or (looks_json and not name.endswith(_TEXT_ENDINGS)):
        return "jsonl"
    return "text"
