"""A small CDX and Memento server, and a small Common Crawl, both on loopback."""

import asyncio
import datetime as dt
import email.utils
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from .server import Request, answer


@dataclass
class Memory:
    """What an archive holds: captures by URL. Speaks CDX as the Internet Archive or pywb does."""

    captures: dict[str, list[tuple[str, str, str, bytes]]] = field(default_factory=dict)
    like_pywb: bool = False
    busy: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    queries: int = 0

    def add(
        self, url: str, timestamp: str, body: bytes, status: str = "200", mime: str = "text/html"
    ) -> None:
        """One more capture."""
        self.captures.setdefault(url, []).append((timestamp, status, mime, body))

    async def __call__(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The handler for `Server`."""
        if self.busy:
            status, headers = self.busy.pop(0)
            writer.write(answer(b"", status, headers=headers))
            return
        parts = urlsplit(request.target)
        if parts.path in ("/cdx/search/cdx", "/coll/cdx"):
            self.queries += 1
            writer.write(answer(self._cdx(parse_qs(parts.query)), kind="application/json"))
        else:
            writer.write(self._replay(request.target))

    def _cdx(self, asked: dict[str, list[str]]) -> bytes:
        wanted = asked["url"][0]
        whole_host = asked.get("matchType") == ["host"]
        rows = [
            (timestamp, url, status, mime)
            for url, captures in sorted(self.captures.items())
            for timestamp, status, mime, _ in captures
            if (urlsplit(url).netloc == wanted if whole_host else url == wanted)
            and asked["from"][0] <= timestamp <= asked["to"][0]
        ][: int(asked["limit"][0])]
        if self.like_pywb:
            names = ("timestamp", "url", "status", "mime")
            return "".join(
                json.dumps(dict(zip(names, r, strict=True))) + "\n" for r in rows
            ).encode()
        names = ("timestamp", "original", "statuscode", "mimetype")
        return json.dumps([names, *rows] if rows else []).encode()

    def _replay(self, target: str) -> bytes:
        _, _, timestamp, url = target.split("/", 3)
        for when, status, mime, body in self.captures.get(url, []):
            if f"{when}id_" == timestamp:
                moment = dt.datetime.strptime(when, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
                headers = (
                    f"Memento-Datetime: {email.utils.format_datetime(moment, usegmt=True)}",
                    "x-archive-orig-last-modified: Mon, 01 Jan 2001 00:00:00 GMT",
                    "x-archive-orig-transfer-encoding: chunked",
                    "x-archive-src: somewhere.warc.gz",
                )
                return answer(body, f"{status} Found", mime, headers)
        return answer(b"no such capture", "404 Not Found")


def stamp(text: str) -> float:
    """Unix time of `2015-06-01`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def warc_member(url: str, date: str, body: bytes, *, status: str = "200 OK") -> bytes:
    """A response record in a gzip member of its own."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    record = writer.create_warc_record(
        url,
        "response",
        payload=io.BytesIO(body),
        length=len(body),
        http_headers=StatusAndHeaders(status, [("Content-Type", "text/html")], "HTTP/1.1"),
        warc_headers_dict={"WARC-Date": date},
    )
    writer.write_record(record)
    return out.getvalue()


def write_crawl(folder: Path, pages: list[tuple[str, str, str, bytes]], name: str) -> None:
    """A crawl: `folder/NAME.warc.gz` and its index `folder/NAME.parquet`, rows in key order.

    `pages` are key, URL, ISO date and body.
    """
    offset = 0
    rows = []
    with (folder / f"{name}.warc.gz").open("wb") as file:
        for key, url, date, body in pages:
            member = warc_member(url, date, body)
            file.write(member)
            rows.append(
                {
                    "url_surtkey": key,
                    "url": url,
                    "fetch_time": dt.datetime.fromisoformat(date.replace("Z", "+00:00")),
                    "fetch_status": 200,
                    "content_mime_detected": "text/html",
                    "warc_filename": f"crawl-data/{name}.warc.gz",
                    "warc_record_offset": offset,
                    "warc_record_length": len(member),
                }
            )
            offset += len(member)
    rows.sort(key=lambda row: str(row["url_surtkey"]))
    schema = pa.schema(
        [
            ("url_surtkey", pa.string()),
            ("url", pa.string()),
            ("fetch_time", pa.timestamp("ms", tz="UTC")),
            ("fetch_status", pa.int16()),
            ("content_mime_detected", pa.string()),
            ("warc_filename", pa.string()),
            ("warc_record_offset", pa.int32()),
            ("warc_record_length", pa.int32()),
        ]
    )
    table = pa.Table.from_pylist(rows, schema)
    pq.write_table(table, folder / f"{name}.parquet", row_group_size=4)


def files(folder: Path) -> "object":
    """A handler that serves `folder`'s files by Range, as a store does."""

    async def handle(
        request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        path = folder / request.target.rpartition("/")[2]
        wanted = request.headers.get("range")
        if not path.is_file() or wanted is None:
            writer.write(answer(b"", "404 Not Found"))
            return
        data = path.read_bytes()
        first, last = (int(x) for x in wanted.removeprefix("bytes=").split("-"))
        part = data[first : last + 1]
        headers = (f"Content-Range: bytes {first}-{first + len(part) - 1}/{len(data)}",)
        writer.write(answer(part, "206 Partial Content", "application/octet-stream", headers))

    return handle
