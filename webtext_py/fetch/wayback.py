"""Pages from a web archive that speaks CDX and Memento: the good capture nearest the submission.

Works with the Internet Archive and with pywb. The raw capture (`id_`) is kept under the original
URL and the capture's own date, so that it stands in the archive as the page did on that day.
"""

import datetime as dt
import email.utils
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, islice
from urllib.parse import urlencode, urlsplit

from webtext_py.fetch.client import Exchange
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.crawl import Done, Link
from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.judge import no_page
from webtext_py.fetch.live import Fetched
from webtext_py.fetch.pace import Pace
from webtext_py.pages.capture import GOOD
from webtext_py.pages.coding import decode_body
from webtext_py.pages.http import REDIRECTS, is_clean_url, join_location
from webtext_py.url.key import url_key, without_credentials

# A query for a whole host pays from so many links on; more rows than this and the links are asked
# for one by one. Our choices.
_HOST_LINKS = 4
_HOST_ROWS = 20_000
_ROWS = 1_000
_CDX_BYTES = 8 << 20
_CAPTURES = 3  # how many captures of a page are tried, nearest first
_HTML = ("text/html", "application/xhtml+xml", "warc/revisit", "unk", "-", "")
_DROPPED = frozenset({"connection", "keep-alive", "server", "set-cookie", "x-robots-tag"})
_ORIGINAL = "x-archive-orig-"
_NEVER = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection"})


@dataclass(frozen=True, order=True)
class Memento:
    """A row of a CDX answer."""

    timestamp: str  # 14 digits
    url: str
    status: str
    mime: str

    @property
    def time(self) -> float:
        """Seconds since 1970."""
        when = dt.datetime.strptime(self.timestamp, "%Y%m%d%H%M%S")
        return when.replace(tzinfo=dt.UTC).timestamp()


def memento_base(cdx: str) -> str:
    """Where captures lie, for a CDX server of the Internet Archive's or of pywb's layout."""
    parts = urlsplit(cdx)
    origin = f"{parts.scheme}://{parts.netloc}"
    if parts.path.rstrip("/").endswith("/cdx/search/cdx"):
        return f"{origin}/web"
    return origin + re.sub(r"/(?:cdx|index)/?\Z", "", parts.path)


def read_cdx(body: bytes) -> list[Memento]:
    """The rows of a CDX answer in JSON: the Internet Archive's table or pywb's object a line.

    Rows that lack a field, or whose URL is none, are left out. Raises `FetchError`
    (`archive_error`) for other data.
    """
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return []
    try:
        if text.startswith("["):
            table = json.loads(text) or [[]]
            rows = [dict(zip(table[0], row, strict=False)) for row in table[1:]]
        else:
            rows = [json.loads(line) for line in text.splitlines()]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        raise FetchError("archive_error", f"no CDX answer: {str(error)[:200]}") from None
    found = []
    for row in rows:
        if not isinstance(row, dict):
            continue
        url = without_credentials(str(row.get("original", row.get("url", ""))))
        status = str(row.get("statuscode", row.get("status", "-")))
        mime = str(row.get("mimetype", row.get("mime", "-")))
        capture = Memento(str(row.get("timestamp", "")), url, status, mime)
        try:
            stamped = re.fullmatch(r"[0-9]{14}", capture.timestamp)
            if stamped and capture.time and is_clean_url(url):
                found.append(capture)
        except ValueError:
            continue
    return found


class Wayback:
    """Fetches captures from one archive."""

    def __init__(self, pace: Pace, config: FetchConfig) -> None:
        self._pace, self._cdx, self._limits = pace, config.cdx, config.limits
        self._base = (config.memento or memento_base(config.cdx)).rstrip("/")
        self._window_s = config.capture_window_days * 86400.0

    async def run(self, links: Iterable[tuple[str, Link]], done: Done) -> None:
        """Fetches every link's nearest good capture and hands each result to `done`. `links` come
        with their hosts, one host after the other."""
        for host, group in groupby(links, lambda link: link[0]):
            # A host with more has more captures than one query gives.
            while some := [link for _, link in islice(group, _HOST_ROWS)]:
                known = await self._of_host(host, some) if len(some) >= _HOST_LINKS else None
                for link in some:
                    await done(link, await self._fetch(link, known))

    async def _of_host(self, host: str, links: list[Link]) -> dict[str, list[Memento]] | None:
        """All captures of a host by key, from one query; null where that is too much."""
        times = [link.created for link in links]
        try:
            rows = await self._query(host, min(times), max(times), _HOST_ROWS, matchType="host")
        except FetchError:
            return None
        if len(rows) >= _HOST_ROWS:
            return None
        found: dict[str, list[Memento]] = defaultdict(list)
        for row in rows:
            key = url_key(row.url)
            if key is not None:
                found[key].append(row)
        return found

    async def _query(
        self, url: str, first: float, last: float, limit: int, **more: str
    ) -> list[Memento]:
        def stamp(moment: float) -> str:
            bounded = min(max(moment, 0.0), 4e9)
            return dt.datetime.fromtimestamp(bounded, dt.UTC).strftime("%Y%m%d%H%M%S")

        asked = {
            "url": url,
            "from": stamp(first - self._window_s),
            "to": stamp(last + self._window_s),
            "output": "json",
            "limit": str(limit),
            **more,
        }
        answer = await self._pace.get(f"{self._cdx}?{urlencode(asked)}", wire_bytes=_CDX_BYTES)
        if answer.status == 404:  # pywb's way to say that it has nothing
            return []
        if not answer.found():
            raise FetchError("archive_error", f"the CDX server answered {answer.status}")
        decoded = decode_body(answer.body, answer.headers, 8 * _CDX_BYTES)
        if decoded.too_large:
            raise FetchError("archive_error", "a CDX answer that is too large")
        return read_cdx(decoded.body)

    async def _fetch(self, link: Link, known: dict[str, list[Memento]] | None) -> Fetched:
        result = Fetched("no_capture", final_url=link.url)
        try:
            rows = [] if known is None else known.get(link.url_key, [])
            if known is None:
                rows = await self._query(link.url, link.created, link.created, _ROWS)
            for capture in self._good(link, rows)[:_CAPTURES]:
                exchange = await self._raw(capture)
                why = self._why_not(link, exchange)
                if why is None:
                    result.outcome, result.detail = GOOD, ""
                    result.final_url, result.status = exchange.url, exchange.status
                    result.exchanges = [exchange]
                    break
                result.detail = why
        except FetchError as error:
            result.outcome, result.detail = error.reason, error.detail
        return result

    def _good(self, link: Link, rows: list[Memento]) -> list[Memento]:
        """Captures of the link's page that may be good, nearest first; each moment once."""
        rows = [
            row
            for row in sorted(set(rows))
            if row.status in ("200", "-")
            and row.mime.lower() in _HTML
            and abs(row.time - link.created) <= self._window_s
            and url_key(row.url) == link.url_key
        ]
        return sorted(rows, key=lambda row: (abs(row.time - link.created), row))

    async def _raw(self, capture: Memento) -> Exchange:
        """The capture as it was stored."""
        url = f"{self._base}/{capture.timestamp}id_/{capture.url}"
        for _ in range(4):
            answer = await self._pace.get(url, wire_bytes=self._limits.wire_bytes)
            if answer.status not in REDIRECTS:
                break
            target = join_location(url, answer.header("location") or "")
            if target is None or not target.startswith(f"{self._base}/"):
                raise FetchError("archive_error", f"{url} leads out of the archive")
            url = target
        when = _memento_time(answer) or dt.datetime.fromtimestamp(capture.time, dt.UTC)
        answer.source_url, answer.url, answer.started = url, capture.url, when
        answer.headers = _original_headers(answer.headers)
        return answer

    def _why_not(self, link: Link, answer: Exchange) -> str | None:
        """Why a raw capture is not taken; null where it is."""
        if answer.status != 200:
            return f"the archive answered {answer.status}"
        if abs(answer.started.timestamp() - link.created) > self._window_s:
            return f"the archive gave a capture of {answer.started:%Y-%m-%d}"
        return no_page(answer.url, answer.headers, answer.body, self._limits.decoded_bytes)


def _memento_time(answer: Exchange) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(answer.header("memento-datetime") or "")
    except (ValueError, TypeError):
        return None


def _original_headers(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The page's own headers, with `Memento-Datetime`; the archive's own are left out."""
    kept = [
        (name, value)
        for name, value in headers
        if not name.lower().startswith("x-archive-") and name.lower() not in _DROPPED
    ]
    names = {name.lower() for name, _ in kept}
    for name, value in headers:
        own = name.lower().removeprefix(_ORIGINAL)
        if name.lower().startswith(_ORIGINAL) and own not in _NEVER and own not in names:
            kept.append((name[len(_ORIGINAL) :], value))
    return kept
