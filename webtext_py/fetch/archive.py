"""What came in, kept: WARC/1.1 files and journals that say which URL is done.

A URL's records are appended to `SOURCE-NNNNN.warc.gz.part`, then its line to the journal of its
host's group; only the line makes it done. After `kill -9` a file is cut back to the last byte that
lines vouch for, so no torn record and no page without a line stays. Full files lose the `.part`.

The HTTP client removes chunking, so `Transfer-Encoding` is not recorded; content codings stay as
they were sent.
"""

import datetime as dt
import io
import itertools
import json
import os
import re
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from webtext_py.engine.commit import flush
from webtext_py.fetch.client import Exchange
from webtext_py.fetch.journal import Attempt, Journals, write_all
from webtext_py.fetch.recovery import PART, recover
from webtext_py.pages.capture import payload_digest
from webtext_py.pages.http import is_clean_url

# Our choice: on 150 real pages zlib's level 4 took 56 % of level 6's time for 5 % more bytes.
GZIP_LEVEL = 4
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_SYNC_BYTES = 64 << 20  # written between two fsyncs
_PAYLOADS = 200_000  # digests remembered for revisit records, about 300 bytes each
_KEPT = "X-Archive-Orig-"  # what replay tools call headers that no longer hold
_OF_BODY = ("content-length", "content-encoding")
_PROFILE = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"


class Archive:
    """The folder of WARC files of a data directory. A context manager; one writer at a time.

    Memory grows with the payloads that a revisit may refer to, up to `_PAYLOADS`.
    """

    def __init__(self, folder: Path, configuration: Mapping[str, Any], rotate_bytes: int) -> None:
        self.folder, self._configuration, self._rotate = folder, configuration, rotate_bytes
        self._file: io.FileIO | None = None
        self._name = ""
        self._offset = 0
        self._unsynced = 0
        self._payloads: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def __enter__(self) -> "Archive":
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remember(recover(self.folder, _PAYLOADS))
        self._journals = Journals(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self._close_file()
        self._journals.close()

    def _remember(self, payloads: Iterable[list[str]]) -> None:
        for digest, url, date in payloads:
            self._payloads[digest] = (url, date)
        while len(self._payloads) > _PAYLOADS:
            self._payloads.popitem(last=False)

    def add(self, attempt: Attempt, exchanges: list[Exchange]) -> None:
        """Writes the records of `exchanges`, then the line of `attempt`."""
        blocks = [block for each in exchanges for block in self._records(each, attempt)]
        self.add_members(attempt, list(map(_packed, blocks)))

    def add_members(self, attempt: Attempt, members: list[bytes]) -> None:
        """Writes gzip members as they are, then the line of `attempt`."""
        data = b"".join(members)
        file = self._open(attempt.source) if members else None
        try:
            if file is not None:
                write_all(file, data, self.folder / self._name)
                attempt.file, attempt.offset, attempt.length = self._name, self._offset, len(data)
            self._journals.append(attempt)
        except OSError:
            # The disk is full: back to the last whole record, as the journal to its last line.
            if file is not None:
                os.ftruncate(file.fileno(), self._offset)
                file.seek(self._offset)
            raise
        self._offset += len(data)
        self._unsynced += len(data)
        self._remember(attempt.payloads)
        if self._unsynced > _SYNC_BYTES:
            self._sync()
        if self._offset >= self._rotate:
            self._close_file()

    def _open(self, source: str) -> io.FileIO:
        if self._file is not None and self._name.startswith(f"{source}-"):
            return self._file
        self._close_file()
        names = (f"{source}-{number:05d}.warc.gz" for number in itertools.count())
        self._name = next(name for name in names if not (self.folder / name).exists())
        self._file = (self.folder / f"{self._name}{PART}").open("xb", buffering=0)
        info = {
            "software": "webtext",
            "format": "WARC/1.1",
            "robots": "RFC 9309",
            "configuration": json.dumps(dict(self._configuration), sort_keys=True),
        }
        out = io.BytesIO()
        writer = _writer(out)
        writer.write_record(writer.create_warcinfo_record(self._name, info))
        head = _packed(out.getvalue())
        try:
            write_all(self._file, head, self.folder / self._name)
        except OSError:
            self._file.close()
            self._file = None
            (self.folder / f"{self._name}{PART}").unlink()
            raise
        self._offset = len(head)
        return self._file

    def _sync(self) -> None:
        """fsync of what was written since the last one."""
        if self._file is not None:
            os.fsync(self._file.fileno())
        self._journals.sync()
        self._unsynced = 0

    def _close_file(self) -> None:
        if self._file is None:
            return
        part = self.folder / f"{self._name}{PART}"
        self._sync()  # the lines too: a file that has its full name is never cut
        self._file.close()
        self._file = None
        part.rename(self.folder / self._name)
        flush(self.folder)
        self._offset = 0

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


def _packed(block: bytes) -> bytes:
    """A gzip member without a time, so that the same record gives the same bytes."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    return packer.compress(block) + packer.flush()


def _date(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
