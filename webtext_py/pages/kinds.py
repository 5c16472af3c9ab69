"""What a file is, by its bytes: an archive of captures, a table of pages, or something to refuse.

The name decides only where the bytes cannot: an archive whose beginning is damaged.
"""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from webtext_py.errors import FormatError
from webtext_py.pages import arc, warc, zstd_frame
from webtext_py.pages.content import begins_like_page
from webtext_py.pages.runs import GzipMember, MemberRuns, Window, ZstdMember, open_runs
from webtext_py.reader.columns import is_text

# How far a record is searched in an archive that begins with damage: our choice.
_SEARCH = 64 << 20
_PROBE = 1 << 16
_ARCHIVE_NAME = re.compile(r"\.(warc|arc)(\.gz|\.zst|\.bad)*\Z", re.IGNORECASE)
_NAMED = {".gz": "gzip", ".zst": "zstd"}
FORMS: dict[str, ModuleType] = {"warc": warc, "arc": arc}  # what reads headers, by kind
_PAGE_COLUMNS = ("url", "html")

# What other files begin with, for the message that refuses them.
_MAGIC = [
    (b"PK\x03\x04", "a ZIP archive (a WACZ holds its WARC files under archive/: unpack them)"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"ARROW1", "an Arrow file"),
]
_TEXT = [
    (re.compile(rb"\s*[\[{]"), "JSON"),
    (re.compile(rb" CDX "), "a CDX index"),
    (re.compile(rb"[a-z0-9.,:-]+\)\S* \d{14} "), "a CDX index"),
    (re.compile(rb"https?://\S+\s"), "a list of URLs"),
    (re.compile(rb"[\w ]+(?:,[\w ]+)+\r?\n"), "a CSV table"),
]


@dataclass(frozen=True, slots=True, order=True)
class Container:
    """A file (or folder of pages) that holds captures.

    `kind`: warc, arc, html (a folder with `urls.csv` or `urls.jsonl`) or parquet. `compression` of
    an archive: none, gzip or zstd.
    """

    file: str
    kind: str
    compression: str = "none"


class NotPages(Exception):  # noqa: N818 - an answer, not an error: the caller decides
    """The file holds no captures; the message says what it is instead."""


def sniff(path: Path) -> Container:
    """The container that the regular file `path` is. Raises `NotPages` where it is none."""
    size = path.stat().st_size
    if size == 0:
        raise NotPages("empty (0 bytes)")
    with path.open("rb") as file:
        head = file.read(_PROBE)
        compression = "none"
        if head.startswith(b"\x1f\x8b"):
            compression = "gzip"
        elif head.startswith(zstd_frame.MAGIC) or zstd_frame.is_skippable(head[:4].ljust(4)):
            compression = "zstd"
            if head.startswith(b"\x5d\x2a\x4d\x18") or (
                head[:4] == zstd_frame.MAGIC and _dictionary(head)
            ):
                raise NotPages("a zstd archive with a dictionary: write it again without one")
        decoded = head if compression == "none" else _decoded_head(file, size, compression)
        for kind, form in FORMS.items():
            if form.begins(decoded):
                _refuse_derived(file, size, compression, form)
                return Container(str(path), kind, compression)
        if head.startswith(b"PAR1"):
            return _parquet(path)
        archive = _ARCHIVE_NAME.search(path.name)
        named = _NAMED.get(path.suffix.lower(), compression) if archive else compression
        for packing in dict.fromkeys((compression, named) if archive else (named,)):
            for kind, form in FORMS.items():
                if (archive or packing != "none") and _has_record(file, size, packing, form):
                    return Container(str(path), kind, packing)
        if archive and not _known(decoded):
            return Container(str(path), archive[1].lower(), named)
    packed = "" if compression == "none" else f"{compression} data of "
    raise NotPages(packed + (_known(decoded) or "no known kind"))


def _dictionary(head: bytes) -> bool:
    try:
        return zstd_frame.read_header(head).dictionary != 0
    except ValueError:
        return False


def _decoded_head(file: io.BufferedReader, size: int, compression: str) -> bytes:
    """The first decoded bytes of a compressed file."""
    runs = open_runs(file, size, compression, lambda _: False)
    run = runs.next_run()
    return b"" if run is None else run.read()


def _refuse_derived(file: io.BufferedReader, size: int, compression: str, form: ModuleType) -> None:
    """Raises `NotPages` for WET and WAT files: text and metadata taken out of pages."""
    from webtext_py.pages.framing import Frames

    frames = Frames(open_runs(file, size, compression, form.begins), form, "", _PROBE)
    for number, frame in enumerate(frames):
        header = frame.header
        if header.kind == "conversion":
            raise NotPages("a WET file: extracted text, not pages (give the .warc.gz it is from)")
        if header.kind == "metadata" and header.content_type.startswith("application/json"):
            raise NotPages("a WAT file: metadata, not pages (give the .warc.gz it is from)")
        if header.kind != "warcinfo" or number > 2 or not frame.complete:
            return


def _has_record(file: io.BufferedReader, size: int, compression: str, form: ModuleType) -> bool:
    """Whether a record begins in the first stretch of a file that does not begin with one."""
    limit = min(size, _SEARCH)
    if compression == "none":
        place = 0
        tail = b""
        while place < limit:
            file.seek(place)
            data = tail + file.read(1 << 20)
            if form.find(data, 0) >= 0:
                return True
            place += 1 << 20
            tail = data[-form.EDGE :]
        return False
    opener = GzipMember if compression == "gzip" else ZstdMember
    return MemberRuns(Window(file, limit), opener, form.begins).resume(0, 0) < limit


def _parquet(path: Path) -> Container:
    """The container of a Parquet file with the columns it must have."""
    from webtext_py.reader.parquet import open_parquet

    try:
        schema = open_parquet(path).schema_arrow
    except (FormatError, OSError) as error:
        raise NotPages(f"a Parquet file that cannot be read ({error})") from None
    missing = [name for name in _PAGE_COLUMNS if name not in schema.names]
    if missing:
        raise NotPages(
            f"a Parquet file without the column `{missing[0]}` (it has {', '.join(schema.names)})"
        )
    for name, binary in (("url", False), ("html", True)):
        kind = schema.field(name).type
        if not is_text(kind, binary=binary):
            expected = "binary or string" if binary else "string"
            raise NotPages(f"a Parquet file whose column `{name}` is {kind}, not {expected}")
    return Container(str(path), "parquet")


def _known(head: bytes) -> str | None:
    """What a file that is no container seems to be; None where nothing is recognised."""
    for magic, what in _MAGIC:
        if head.startswith(magic):
            return what
    if begins_like_page(head):
        return "a page"
    for pattern, what in _TEXT:
        if pattern.match(head):
            return what
    if head and not re.search(rb"[\x00-\x08\x0e-\x1f]", head[:4096]):
        return "text"
    return None
