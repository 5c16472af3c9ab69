"""Why a page was not fetched: one word for the ledger, and what was seen."""

from collections.abc import Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "address_refused": "the host's address is not public",
        "bad_url": "no http or https URL with a host",
        "port_refused": "another port than the scheme's own, without `--any-port`",
        "dns": "the name has no address",
        "connect": "no connection: refused, reset or unreachable",
        "tls": "TLS failed or the certificate is not good for the name",
        "timeout": "not done within the total time",
        "idle_timeout": "no byte for too long",
        "bad_http": "the answer is no HTTP",
        "headers_too_large": "more or longer headers than allowed",
        "body_too_large": "more bytes on the wire than allowed",
        "decoded_too_large": "more bytes after decompression than allowed",
        "incomplete_body": "the connection ended before the body did",
        "not_html": "the answer is no HTML",
        "http_error": "the status is neither success nor a redirect",
        "redirect_loop": "redirects lead back to themselves",
        "too_many_redirects": "more redirects than allowed",
        "redirect_without_target": "a redirect without a usable `Location`",
        "robots": "robots.txt forbids it",
        "robots_unreachable": "robots.txt cannot be had, which forbids everything (RFC 9309)",
        "crawl_delay": "robots.txt asks for a longer delay than 300 s (`Limits.max_delay_s`)",
        "opt_out": "the page asks not to be kept (noindex, noai, TDM reservation)",
        "rate_limited": "429 or 503, and the server asks to wait for longer than 300 s",
        "host_down": "too many failures of the host in a row",
        "soft_404": "the host gives the same page for a path that cannot exist",
        "parked": "a parked domain, an error page or a wall, answered with status 200",
        "no_capture": "the archive has no good capture in the window",
        "archive_error": "the archive gave no usable answer",
    }
)

# What another try may mend; 403 and 404 are answers.
RETRIED = frozenset({"dns", "connect", "timeout", "idle_timeout", "incomplete_body"})


class FetchError(Exception):
    """One page's failure. `reason` is a key of `REASONS`; `detail` says what was seen."""

    def __init__(self, reason: str, detail: str, retry_after_s: float | None = None) -> None:
        assert reason in REASONS, reason
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s


class AddressRefusedError(OSError):
    """Raised where the socket would have been opened."""
