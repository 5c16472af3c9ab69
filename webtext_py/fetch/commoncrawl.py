"""Pages from Common Crawl: a join of the links with the columnar index, then single records.

The index is read as Parquet, local or over HTTPS: only the row groups whose `url_surtkey` range can
hold a link, and of them only the columns needed. Each record is one Range request; the gzip member
goes into our archive as it is.

No S3: a signed request would serve nobody whom HTTPS does not. Common Crawl's bucket is served at
`data.commoncrawl.org`, which its `s3://` paths stand for here; objects of other public buckets have
an HTTPS address too. Libraries that speak S3 open sockets of their own, past the judge of
addresses.
"""

import asyncio
import bisect
import datetime as dt
import io
import zlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.errors import InputError
from webtext_py.fetch.client import Exchange
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.crawl import Done, Link
from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.judge import no_page
from webtext_py.fetch.live import Fetched
from webtext_py.fetch.pace import Pace
from webtext_py.pages import warc
from webtext_py.pages.capture import GOOD
from webtext_py.pages.dates import parse_date
from webtext_py.pages.http import parse_head
from webtext_py.reader.files import named_files
from webtext_py.reader.parquet import column_facts
from webtext_py.url.key import url_key

_COLUMNS = [
    "url_surtkey", "url", "fetch_time", "fetch_status", "content_mime_detected",
    "warc_filename", "warc_record_offset", "warc_record_length",
]  # fmt: skip
_HTML = ("text/html", "application/xhtml+xml")
_CAPTURES = 3
_JOINED = 100_000  # links that are looked up at a time; our choice
_RECORD_BYTES = 64 << 20  # decoded; Common Crawl cuts pages at 5 MiB
_BUCKET = "s3://commoncrawl/"
_MIRROR = "https://data.commoncrawl.org/"
_BLOCK = 1 << 20  # least bytes of a Range request to an index


Ranges = Callable[[str, int, int], Coroutine[Any, Any, Exchange]]


@dataclass(frozen=True)
class Row:
    """A capture in the index."""

    url: str
    time: float
    file: str
    offset: int
    length: int


def mirrored(url: str) -> str:
    """`url`; of what lies in Common Crawl's bucket, the HTTPS address."""
    return _MIRROR + url.removeprefix(_BUCKET) if url.startswith(_BUCKET) else url


def index_files(paths: Sequence[str]) -> list[str]:
    """Parquet files and URLs that `paths` name.

    Raises `InputError` for what does not exist or cannot be reached so.
    """
    found: list[str] = []
    for path in map(mirrored, paths):
        if path.startswith(("http://", "https://")):
            if path.endswith("/"):
                hint = "name its files; Common Crawl lists them in `cc-index-table.paths.gz`"
                raise InputError(f"`{path}` is a folder, which HTTPS does not list", hint)
            found.append(path)
        elif "://" in path:
            hint = "copy the files, or name their HTTPS address"
            raise InputError(f"`{path}` cannot be read: local paths and https:// are", hint)
        else:
            for name in named_files(path):
                inside = sorted(name.rglob("*.parquet")) if name.is_dir() else [name]
                found += map(str, inside)
    if not found:
        raise InputError("`--cc-index` gives no index", "name Parquet files with it")
    return list(dict.fromkeys(found))


class RangeFile(io.RawIOBase):
    """A remote file, read by Range requests through the guarded client; for use in a thread.

    `get` gives the answer for a URL, a first byte and a count, in `loop`.
    """

    def __init__(self, url: str, get: Ranges, loop: asyncio.AbstractEventLoop) -> None:
        self._url, self._get, self._loop = url, get, loop
        self._place = 0
        self._start, self._held = 0, b""
        self._length = self._ask(0, 1)[1]

    def _ask(self, start: int, count: int) -> tuple[bytes, int]:
        """Bytes from `start`, and the length of the file."""
        answer = asyncio.run_coroutine_threadsafe(
            self._get(self._url, start, count), self._loop
        ).result()
        total = (answer.header("content-range") or "").rpartition("/")[2]
        if answer.status != 206 or not total.isdigit():
            raise FetchError("archive_error", f"{self._url} answered {answer.status} to a Range")
        return answer.body, int(total)

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves the place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._length}[whence]
        self._place = base + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        left = max(0, self._length - self._place)
        size = left if size < 0 else min(size, left)
        if size == 0:
            return b""
        begin = self._place - self._start
        if begin < 0 or begin + size > len(self._held):
            count = min(max(size, _BLOCK), left)
            self._held, _ = self._ask(self._place, count)
            self._start, begin = self._place, 0
        data = self._held[begin : begin + size]
        self._place += len(data)
        return data


def look_up(source: Any, keys: Sequence[str]) -> Iterator[tuple[str, Row]]:
    """Good captures (200, HTML) of the sorted SURT `keys` in one Parquet file of the index."""
    with pq.ParquetFile(source) as file:
        names = file.schema_arrow.names
        missing = [name for name in _COLUMNS if name not in names]
        if missing:
            raise InputError(f"the index has no column `{missing[0]}`; it has {', '.join(names)}")
        columns = [file.schema.column(place) for place in range(len(file.schema))]
        column = next(place for place, one in enumerate(columns) if one.path == "url_surtkey")
        if columns[column].physical_type != "BYTE_ARRAY":
            # Arrow ends the process over bounds of another type that are too short for it.
            raise InputError(f"`url_surtkey` is {file.schema_arrow.field('url_surtkey').type}")
        for group in range(file.metadata.num_row_groups):
            statistics = column_facts(file, group, column).statistics
            low, high = 0, len(keys)
            if statistics is not None and statistics.has_min_max:
                low = bisect.bisect_left(keys, statistics.min)
                high = bisect.bisect_right(keys, statistics.max)
            if low >= high:
                continue
            yield from _matching(file.read_row_group(group, _COLUMNS), keys[low:high])


def _matching(table: pa.Table, keys: Sequence[str]) -> Iterator[tuple[str, Row]]:
    mine = pc.is_in(table["url_surtkey"], pa.array(keys, pa.string()))
    html = pc.is_in(table["content_mime_detected"], pa.array(_HTML))
    good = pc.and_(pc.equal(table["fetch_status"], 200), html)
    for row in table.filter(pc.and_(mine, good)).to_pylist():
        when = row["fetch_time"]
        if isinstance(when, dt.datetime):
            when = (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()
        place = int(row["warc_record_offset"]), int(row["warc_record_length"])
        yield row["url_surtkey"], Row(row["url"], float(when), row["warc_filename"], *place)


class CommonCrawl:
    """Fetches captures that the index names."""

    def __init__(self, pace: Pace, config: FetchConfig) -> None:
        self._pace, self._limits = pace, config.limits
        self._index = index_files(config.cc_index)
        self._data = mirrored(config.cc_data.removesuffix("/") + "/")
        self._window_s = config.capture_window_days * 86400.0

    async def run(self, links: Iterable[tuple[str, Link]], done: Done) -> None:
        """Hands each link's nearest good capture to `done`, with its record as stored. `links` come
        with their SURT keys and in the order of these, as the index is: many at a time are joined.
        """
        links = iter(links)
        while some := list(islice(links, _JOINED)):
            found = await self._join(some)
            for _, link in some:
                await done(link, await self._fetch(link, found.get(link.url_key, [])))

    async def _join(self, links: Sequence[tuple[str, Link]]) -> dict[str, list[Row]]:
        wanted: dict[str, list[Link]] = defaultdict(list)
        for key, link in links:
            if key:
                wanted[key].append(link)
        keys = sorted(wanted)
        found: dict[str, list[Row]] = defaultdict(list)
        for path in self._index:
            for key, row in await self._rows(path, keys):
                for link in wanted[key]:
                    near = abs(row.time - link.created) <= self._window_s
                    if near and url_key(row.url) == link.url_key:
                        found[link.url_key].append(row)
        return found

    async def _rows(self, path: str, keys: list[str]) -> list[tuple[str, Row]]:
        loop = asyncio.get_running_loop()

        def read() -> list[tuple[str, Row]]:
            remote = path.startswith(("http://", "https://"))
            source = RangeFile(path, self._range, loop) if remote else path
            return list(look_up(source, keys))

        try:
            return await asyncio.to_thread(read)
        except FetchError as error:
            raise InputError(f"the index `{path}` cannot be read: {error.detail}") from None
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise InputError(f"the index `{path}` cannot be read: {error}") from None

    async def _fetch(self, link: Link, rows: list[Row]) -> Fetched:
        result = Fetched("no_capture", final_url=link.url)
        nearest = sorted(
            rows, key=lambda row: (abs(row.time - link.created), row.time, row.file, row.offset)
        )
        for row in nearest[:_CAPTURES]:
            try:
                member = await self._member(row)
                record, block = _record(member)
                why = self._why_not(link, record, block)
            except FetchError as error:
                result.outcome, result.detail = error.reason, error.detail
                continue
            if why is None:
                result.outcome, result.detail, result.status = GOOD, "", 200
                result.final_url, result.fetched_at = record.url, record.date
                result.members = [member]
                return result
            result.outcome, result.detail = "no_capture", why
        return result

    async def _member(self, row: Row) -> bytes:
        if not 0 < row.length <= self._limits.wire_bytes or row.offset < 0:
            raise FetchError("body_too_large", f"a record of {row.length} bytes")
        answer = await self._range(self._data + row.file, row.offset, row.length)
        if answer.status != 206 or len(answer.body) != row.length:
            wanted = f"{row.length} bytes from {row.offset}"
            raise FetchError("archive_error", f"{row.file} answered {answer.status} to {wanted}")
        return answer.body

    async def _range(self, url: str, start: int, count: int) -> Exchange:
        """The answer to a request for `count` bytes from `start`."""
        wanted = (("Range", f"bytes={start}-{start + count - 1}"), ("Accept-Encoding", "identity"))
        return await self._pace.get(url, wire_bytes=count, headers=wanted)

    def _why_not(self, link: Link, record: warc.RecordHeader, block: bytes) -> str | None:
        if record.kind != "response" or url_key(record.url) != link.url_key:
            return f"the record is a {record.kind} of {record.url}"
        head = parse_head(block)
        if head is None or head.status != 200:
            return "the record is no answer with status 200"
        return no_page(record.url, head.headers, block[head.body :], self._limits.decoded_bytes)


def _record(member: bytes) -> tuple[warc.RecordHeader, bytes]:
    """The WARC record in one gzip member: its header and its block. Raises `FetchError` where there
    is none."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16)
    try:
        data = unpacker.decompress(member, _RECORD_BYTES)
    except zlib.error as error:
        raise FetchError("archive_error", f"no gzip member: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise FetchError("archive_error", "not one whole gzip member")
    head, blank, block = data.partition(b"\r\n\r\n")
    header = warc.parse(head + blank)  # the reader's own judgement of what a header says
    if not blank or header is None:
        raise FetchError("archive_error", "no WARC record")
    length = header.length
    if length is None or length > len(block) or parse_date(header.date) is None:
        raise FetchError("archive_error", "a WARC record that is cut or has no date")
    if block[length:] not in (b"\r\n\r\n", b""):
        raise FetchError("archive_error", "more than one WARC record, or a wrong length")
    return header, block[:length]
