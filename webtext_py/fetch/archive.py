"""What came in, kept: WARC/1.1 files and a journal that says which URL is done.

A URL's records are appended to `SOURCE-NNNNN.warc.gz.part`, then its line to `fetch-journal.jsonl`;
only the line makes it done. After `kill -9` a file is cut back to the last byte that a line vouches
for, so no torn record and no page without a line stays. Full files lose the `.part`.

The HTTP client removes chunking, so `Transfer-Encoding` is not recorded; content codings stay as
they were sent.
"""

import datetime as dt
import filecmp
import io
import itertools
import json
import os
import re
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from webtext_py.engine.commit import flush
from webtext_py.fetch.client import Exchange
from webtext_py.pages.capture import payload_digest
from webtext_py.pages.http import is_clean_url

JOURNAL = "fetch-journal.jsonl"
_PART = ".part"
# Our choice: on 150 real pages zlib's level 4 took 56 % of level 6's time for 5 % more bytes.
GZIP_LEVEL = 4
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_SYNC_BYTES = 64 << 20  # written between two fsyncs
_PAYLOADS = 200_000  # digests remembered for revisit records, about 300 bytes each
_KEPT = "X-Archive-Orig-"  # what replay tools call headers that no longer hold
_OF_BODY = ("content-length", "content-encoding")
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


@dataclass
class Attempt:
    """How one source ended for one URL: a line of the journal.

    `file`, `offset`, `length`: where its records lie, together; None where nothing was kept.
    `payloads`: digest, URL and date of those that later revisits may refer to.
    """

    url_key: str
    url: str
    source: str
    outcome: str
    detail: str = ""
    final_url: str | None = None
    redirects: list[str] = field(default_factory=list)
    status: int | None = None
    fetched_at: str | None = None  # ISO 8601
    file: str | None = None
    offset: int = 0
    length: int = 0
    payloads: list[list[str]] = field(default_factory=list)

    @classmethod
    def of(cls, line: bytes) -> "Attempt":
        """The attempt of a line."""
        return cls(**json.loads(line))


def journal_line(attempt: Attempt) -> bytes:
    """The line of an attempt."""
    return json.dumps(asdict(attempt), separators=(",", ":")).encode() + b"\n"


def journal_lines(folder: Path, start: int = 0) -> Iterator[tuple[Attempt, int]]:
    """The journal's lines from byte `start` on in order, each with the byte at which it ends; a
    torn last line is left out."""
    try:
        journal = (folder / JOURNAL).open("rb")
    except FileNotFoundError:
        return
    with journal:
        journal.seek(start)
        for line in journal:
            start += len(line)
            if line.endswith(b"\n"):
                yield Attempt.of(line), start


class Archive:
    """The folder of WARC files of a data directory. A context manager; one writer at a time.

    Memory grows with the payloads that a revisit may refer to, up to `_PAYLOADS`.
    """

    def __init__(
        self,
        folder: Path,
        configuration: Mapping[str, Any],
        *,
        rotate_bytes: int,
        level: int = GZIP_LEVEL,
    ) -> None:
        self.folder, self._configuration = folder, configuration
        self._rotate, self._level = rotate_bytes, level
        self._file: io.FileIO | None = None
        self._name = ""
        self._offset = 0
        self._unsynced = 0
        self._payloads: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def __enter__(self) -> "Archive":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._recover()
        self._journal = (self.folder / JOURNAL).open("ab", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._close_file()
        os.fsync(self._journal.fileno())
        self._journal.close()

    def _recover(self) -> None:
        """Cuts files and journal back to what both vouch for."""
        journal = self.folder / JOURNAL
        temporary = journal.with_suffix(".new")
        ends: dict[str, int] = {}
        sizes: dict[str, int] = {}
        with temporary.open("wb") as kept:
            for attempt, _ in journal_lines(self.folder):
                if attempt.file is not None:
                    if attempt.file not in sizes:
                        sizes[attempt.file] = self._size(attempt.file)
                    # Lines can outlive bytes only where the machine itself went down.
                    if attempt.offset + attempt.length > sizes[attempt.file]:
                        continue
                    ends[attempt.file] = attempt.offset + attempt.length
                kept.write(journal_line(attempt))
                self._remember(attempt)
        if journal.exists() and not filecmp.cmp(journal, temporary, shallow=False):
            flush(temporary)
            temporary.replace(journal)
        else:
            temporary.unlink()
        for part in sorted(self.folder.glob(f"*.warc.gz{_PART}")):
            name = part.name.removesuffix(_PART)
            if name in ends:
                with part.open("r+b") as file:
                    file.truncate(ends[name])
                flush(part)
                part.rename(part.with_name(name))
            else:
                part.unlink()
        flush(self.folder)

    def _size(self, name: str) -> int:
        for path in (self.folder / name, self.folder / f"{name}{_PART}"):
            if path.exists():
                return path.stat().st_size
        return -1

    def _remember(self, attempt: Attempt) -> None:
        for digest, url, date in attempt.payloads:
            self._payloads[digest] = (url, date)
        while len(self._payloads) > _PAYLOADS:
            self._payloads.popitem(last=False)

    def add(self, attempt: Attempt, exchanges: list[Exchange]) -> None:
        """Writes the records of `exchanges`, then the line of `attempt`."""
        blocks = [block for each in exchanges for block in self._records(each, attempt)]
        self.add_members(attempt, [_packed(block, self._level) for block in blocks])

    def add_members(self, attempt: Attempt, members: list[bytes]) -> None:
        """Writes gzip members as they are, then the line of `attempt`."""
        data = b"".join(members)
        file = self._open(attempt.source) if members else None
        journal = os.fstat(self._journal.fileno()).st_size
        try:
            if file is not None:
                _write(file, data, self.folder / self._name)
                attempt.file, attempt.offset, attempt.length = self._name, self._offset, len(data)
            _write(self._journal, journal_line(attempt), self.folder / JOURNAL)
        except OSError:
            # The disk is full: back to the last whole record, and the last whole line.
            if file is not None:
                os.ftruncate(file.fileno(), self._offset)
                file.seek(self._offset)
            os.ftruncate(self._journal.fileno(), journal)
            raise
        self._offset += len(data)
        self._unsynced += len(data)
        self._remember(attempt)
        if self._unsynced > _SYNC_BYTES and self._file is not None:
            os.fsync(self._file.fileno())
            os.fsync(self._journal.fileno())
            self._unsynced = 0
        if self._offset >= self._rotate:
            self._close_file()

    def _open(self, source: str) -> io.FileIO:
        if self._file is not None and self._name.startswith(f"{source}-"):
            return self._file
        self._close_file()
        names = (f"{source}-{number:05d}.warc.gz" for number in itertools.count())
        self._name = next(name for name in names if self._size(name) < 0)
        self._file = (self.folder / f"{self._name}{_PART}").open("xb", buffering=0)
        info = {
            "software": "webtext",
            "format": "WARC/1.1",
            "robots": "RFC 9309",
            "configuration": json.dumps(dict(self._configuration), sort_keys=True),
        }
        out = io.BytesIO()
        writer = _writer(out)
        writer.write_record(writer.create_warcinfo_record(self._name, info))
        head = _packed(out.getvalue(), self._level)
        try:
            _write(self._file, head, self.folder / self._name)
        except OSError:
            self._file.close()
            self._file = None
            (self.folder / f"{self._name}{_PART}").unlink()
            raise
        self._offset = len(head)
        return self._file

    def _close_file(self) -> None:
        if self._file is None:
            return
        part = self.folder / f"{self._name}{_PART}"
        os.fsync(self._file.fileno())
        self._file.close()
        self._file = None
        part.rename(self.folder / self._name)
        flush(self.folder)
        self._offset = self._unsynced = 0

    def _records(self, exchange: Exchange, attempt: Attempt) -> list[bytes]:
        """A request and a response (or revisit) record, not yet packed."""
        for url in (exchange.url, exchange.source_url):
            if url is not None and not is_clean_url(url):
                raise ValueError(f"{url!r} cannot stand in a header")
        date = _date(exchange.started)
        fields: dict[str, str] = {"WARC-Date": date}
        if exchange.address:
            fields["WARC-IP-Address"] = str(ip_address(exchange.address.partition("%")[0]))
        if exchange.truncated is not None:
            fields["WARC-Truncated"] = exchange.truncated
        if exchange.source_url is not None:
            fields["WARC-Source-URI"] = exchange.source_url
        named = payload_digest(exchange.body)
        status = _one_line(f"{exchange.status} {exchange.phrase}")
        lines = [(n, _one_line(v)) for n, v in exchange.headers if n.lower() != "transfer-encoding"]
        if exchange.truncated is not None:
            # Replay would wait for a body that is not there.
            lines = [(f"{_KEPT}{n}" if n.lower() in _OF_BODY else n, v) for n, v in lines]
        head = StatusAndHeaders(status, lines, "HTTP/1.1")
        known = self._payloads.get(named) if exchange.body else None
        out = io.BytesIO()
        writer = _writer(out)
        if known is not None:
            fields |= {"WARC-Profile": _PROFILE, "WARC-Payload-Digest": named}
            fields |= {"WARC-Refers-To-Target-URI": known[0], "WARC-Refers-To-Date": known[1]}
            body, kind = b"", "revisit"
        else:
            body, kind = exchange.body, "response"
            fields["WARC-Payload-Digest"] = named
            if body and exchange.truncated is None:
                attempt.payloads.append([named, exchange.url, date])
                self._payloads[named] = (exchange.url, date)
        held: dict[str, Any] = {"payload": io.BytesIO(body), "length": len(body)}
        heads: dict[str, Any] = {"http_headers": head, "warc_headers_dict": fields}
        record = writer.create_warc_record(exchange.url, kind, **held, **heads)
        writer.write_record(record)
        identity = record.rec_headers.get_header("WARC-Record-ID")
        return [out.getvalue(), _request(exchange, date, identity)]


def _request(exchange: Exchange, date: str, response: str) -> bytes:
    """The request record of an exchange whose response record is called `response`."""
    parts = urlsplit(exchange.source_url or exchange.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
    out = io.BytesIO()
    writer = _writer(out)
    head = StatusAndHeaders(f"GET {target} HTTP/1.1", exchange.request, is_http_request=True)
    fields = {"WARC-Date": date, "WARC-Concurrent-To": response}
    about = writer.create_warc_record(
        exchange.url, "request", http_headers=head, warc_headers_dict=fields
    )
    writer.write_record(about)
    return out.getvalue()


def _one_line(text: str) -> str:
    """A header's value that ends where it should."""
    return _CONTROL.sub(" ", text).strip()


def _writer(out: io.BytesIO) -> WARCWriter:
    """warcio's writer into memory; its own buffer would go to a file for larger pages."""
    return WARCWriter(out, gzip=False, warc_version="WARC/1.1")


def _write(file: io.FileIO, data: bytes, path: Path) -> None:
    """Writes all of `data`. Raises OSError with the file's name."""
    view = memoryview(data)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _packed(block: bytes, level: int) -> bytes:
    """A gzip member without a time, so that the same record gives the same bytes."""
    packer = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    return packer.compress(block) + packer.flush()


def _date(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
