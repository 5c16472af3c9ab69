"""A page from its own server: robots, turns, redirects, retries, opt-outs, soft 404s."""

import email.utils
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from webtext_py.fetch import clock
from webtext_py.fetch.client import Client, Exchange
from webtext_py.fetch.failure import RETRIED, FetchError
from webtext_py.fetch.judge import dead_page, same_page
from webtext_py.fetch.optout import header_opt_out, meta_opt_out
from webtext_py.fetch.robots import Robots
from webtext_py.fetch.schedule import Manners, site_of
from webtext_py.fetch.tdmrep import Reservations
from webtext_py.pages.capture import GOOD
from webtext_py.pages.coding import decode_body
from webtext_py.pages.http import REDIRECTS, is_html, join_location
from webtext_py.url.key import fetch_url

_BUSY = frozenset({429, 500, 502, 503, 504})
_RESERVATION_BYTES = 256 << 10  # of a tdmrep.json; our choice
_PROBES = 4096  # hosts whose answer for a missing path is remembered at a time


@dataclass
class Fetched:
    """What came of one URL: the exchanges in order, and how it ended.

    `outcome`: `good` or a key of `failure.REASONS`. `exchanges` are what goes into the archive, or
    `members`, gzip members of another archive as they are.
    """

    outcome: str
    detail: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    members: list[bytes] | None = None
    final_url: str | None = None
    redirects: list[str] = field(default_factory=list)
    status: int | None = None
    again: bool = False  # worth another try, later
    fetched_at: str | None = None  # ISO 8601; None: the last exchange's time
    waits_for: str | None = None  # the site of `final_url`, which is paused: go on there, later


class Live:
    """Fetches pages from their own servers.

    `probe`: ask each host once for a path that cannot exist, to know its soft 404.
    `on_robots` is handed every exchange for a robots.txt.
    """

    def __init__(
        self,
        client: Client,
        manners: Manners,
        *,
        probe: bool = True,
        on_robots: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.client = client
        self.manners = manners
        self.robots = Robots(self._robots_exchange, client.limits)
        self._reservations = Reservations(self._reservation_file)
        self._probe = probe
        self._probed: OrderedDict[str, bytes | None] = OrderedDict()
        self._on_robots = on_robots

    async def fetch(self, url: str, tries: int = 0, begun: Fetched | None = None) -> Fetched:
        """What comes of `url`, or of a fetch of it that waited for another site.

        Never raises `FetchError`: it becomes the outcome.
        """
        result = begun or Fetched(GOOD, final_url=url)
        try:
            await self._follow(result.final_url or url, result)
        except FetchError as error:
            result.outcome, result.detail = error.reason, error.detail
            result.again = self._judge_failure(error, result, tries)
        return result

    def _judge_failure(self, error: FetchError, result: Fetched, tries: int) -> bool:
        """Keeps away where asked to; whether another try is worth it."""
        site = _site(result.final_url or "")
        limits = self.client.limits
        if error.reason == "rate_limited":
            after = error.retry_after_s
            if after is not None and after > limits.max_delay_s:
                self.manners.end(site, f"Retry-After {after:.0f} s")
                return False
            self.manners.pause(site, tries, error.retry_after_s)
            return tries + 1 < limits.tries
        if error.reason in RETRIED:
            broken = self.manners.failed(site)
            self.manners.pause(site, tries, None)
            return tries + 1 < limits.tries and not broken
        return False

    async def _follow(self, url: str, result: Fetched) -> None:
        limits = self.client.limits
        passed = result.redirects[:]
        resumed, result.waits_for = result.waits_for is not None, None
        while True:
            result.final_url, result.redirects = url, passed[:]
            if passed and not resumed and self.manners.waits(_site(url)):
                result.waits_for = _site(url)  # nobody stands in line for a paused site
                return
            resumed = False
            result.fetched_at = clock.now().isoformat()
            exchange = await self._polite(url)
            result.fetched_at, result.status = exchange.started.isoformat(), exchange.status
            site = _site(url)
            if exchange.status in _BUSY:
                after = retry_after_s(exchange)
                raise FetchError("rate_limited", f"{url}: status {exchange.status}", after)
            self.manners.answered(site)
            refusal = header_opt_out(exchange.headers)
            if refusal is not None:
                raise FetchError("opt_out", f"{url}: {refusal}")
            if exchange.status not in REDIRECTS:
                await self._judge_page(exchange, result)
                return
            result.exchanges.append(exchange)
            target = join_location(url, exchange.header("location") or "")
            target = None if target is None else fetch_url(target)
            if target is None:
                raise FetchError("redirect_without_target", url)
            target = target.partition("#")[0]
            passed.append(url)
            if target in passed:
                raise FetchError("redirect_loop", f"{url} leads back to {target}")
            if len(passed) > limits.redirects:
                raise FetchError("too_many_redirects", f"more than {limits.redirects}")
            url = target

    async def _judge_page(self, exchange: Exchange, result: Fetched) -> None:
        """The end of the way. Raises `FetchError` for what is no page to keep."""
        url = exchange.url
        if not exchange.found():
            result.exchanges.append(exchange)
            raise FetchError("http_error", f"{url}: status {exchange.status}")
        decoded = decode_body(exchange.body, exchange.headers, self.client.limits.decoded_bytes)
        if decoded.too_large:
            over = f"over {self.client.limits.decoded_bytes} bytes from {len(exchange.body)}"
            raise FetchError("decoded_too_large", f"{url}: {over}")
        kind = exchange.header("content-type")
        if exchange.truncated or not is_html(kind, exchange.headers, exchange.body):
            exchange.body, exchange.truncated = b"", "length"
            result.exchanges.append(exchange)
            raise FetchError("not_html", f"{url}: {kind}")
        refusal = meta_opt_out(decoded.body)
        if refusal is not None:
            raise FetchError("opt_out", f"{url}: {refusal}")
        why = dead_page(url, exchange.headers, decoded.body)
        if why is not None:
            raise FetchError("parked", f"{url}: {why}")
        reserved = await self._reservations.of(url)
        if reserved is not None:
            raise FetchError("opt_out", f"{url}: {reserved}")
        missing = await self._missing_page(url) if self._probe else None
        if missing is not None and same_page(missing, decoded.body):
            raise FetchError("soft_404", f"{url}: the host's page for a missing path")
        result.exchanges.append(exchange)

    async def _missing_page(self, url: str) -> bytes | None:
        """The page that `url`'s host gives with status 200 for a path that cannot exist."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin in self._probed:
            return self._probed[origin]
        self._probed[origin] = None  # also while it is being asked: once per host
        name = hashlib.sha256(origin.encode()).hexdigest()[:24]
        try:
            probe = await self._polite_end(f"{origin}/{name}.html")
            if probe.found() and probe.truncated is None:
                limit = self.client.limits.decoded_bytes
                body = decode_body(probe.body, probe.headers, limit).body
                self._probed[origin] = body[: 1 << 18]
        except FetchError:
            pass  # nothing learned; the page stands for itself
        if len(self._probed) > _PROBES:
            self._probed.popitem(last=False)
        return self._probed.get(origin)

    async def _reservation_file(self, url: str) -> bytes | None:
        """The body of a tdmrep.json; None where the server has none, or robots.txt forbids to ask.

        Raises `FetchError` where there may be one that cannot be had whole.
        """
        try:
            answer = await self._polite_end(
                url, wanted=Exchange.found, wire_bytes=_RESERVATION_BYTES, cut=True
            )
        except FetchError as error:
            if error.reason == "robots":
                return None
            raise
        if answer.status == 429 or answer.status // 100 == 5:  # as for robots.txt
            raise FetchError("http_error", f"{answer.url}: status {answer.status}")
        if not answer.found():
            return None
        decoded = decode_body(answer.body, answer.headers, _RESERVATION_BYTES)
        if not answer.truncated and not decoded.too_large:
            return decoded.body
        if is_html(answer.header("content-type"), answer.headers, answer.body):
            return None  # a page for missing things, answered with status 200
        raise FetchError("body_too_large", f"{answer.url}: more than {_RESERVATION_BYTES} bytes")

    async def _polite_end(self, url: str, **options: object) -> Exchange:
        """The exchange at the end of at most two redirects."""
        answer = await self._polite(url, **options)
        for _ in range(2):
            target = join_location(answer.url, answer.header("location") or "")
            if answer.status not in REDIRECTS or target is None:
                break
            answer = await self._polite(target.partition("#")[0], **options)
        return answer

    async def _polite(self, url: str, **options: object) -> Exchange:
        """One exchange that robots.txt permits, in turn."""
        host, _ = self.client.check(url)
        site = site_of(host)
        self.manners.check(site)
        rules = await self.robots.rules(url)
        if rules.error is not None:
            # The host's own trouble tells more than that it forbids everything.
            raise FetchError(rules.error.reason, f"robots.txt: {rules.error.detail}")
        if not rules.permits(url):
            reason = "robots" if rules.parsed is not None else "robots_unreachable"
            raise FetchError(reason, f"{url}: {rules.detail or 'disallowed'}")
        if rules.delay_s is not None:
            self.manners.slow_down(site, rules.delay_s)
        return await self._in_turn(url, **options)

    async def _in_turn(self, url: str, **options: object) -> Exchange:
        host, _ = self.client.check(url)
        self.manners.check(site_of(host))
        address = await self._address(host)
        async with self.manners.turn(site_of(host), address):
            return await self.client.get(url, address=address, **options)  # type: ignore[arg-type]

    async def _address(self, host: str) -> str:
        """Where a request to `host` will go, for the turn (the socket is judged on its own)."""
        if re.fullmatch(r"[0-9.]+", host) or ":" in host:
            found = host
        else:
            found = (await self.client.resolver.addresses(host))[0]
        refusal = self.client.guard.refusal(found)
        if refusal is not None:
            raise FetchError("address_refused", f"{host}: {refusal}")
        return found

    async def _robots_exchange(self, url: str) -> Exchange:
        most = self.client.limits.robots_bytes
        exchange = await self._in_turn(url, wanted=Exchange.found, wire_bytes=most, cut=True)
        if self._on_robots is not None:
            self._on_robots(exchange)
        return exchange


def _site(url: str) -> str:
    try:
        return site_of(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def retry_after_s(exchange: Exchange) -> float | None:
    """Seconds that `Retry-After` asks for; None where it says nothing usable."""
    value = exchange.header("retry-after")
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        when = email.utils.parsedate_to_datetime(value)
        if when.tzinfo is None:
            return None
        return max(0.0, (when - clock.now()).total_seconds())
    except (ValueError, OverflowError):
        return None
