"""Bounds of one exchange and of a fetch. Each is our choice unless a source stands beside it."""

from dataclasses import dataclass

from webtext_py import defaults


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes."""

    total_s: float = 60.0  # one exchange, from the first packet to the last
    idle_s: float = 20.0  # without a byte
    connect_s: float = 15.0
    # An answer as sent: head, framing and body. Common Crawl cuts at 5 MiB.
    wire_bytes: int = 10 << 20
    decoded_bytes: int = 20 << 20  # a body after decompression; the extractor's own limit
    header_line_bytes: int = 16 << 10
    header_count: int = 200
    redirects: int = 10
    robots_bytes: int = 500 << 10  # RFC 9309, section 2.5: at least 500 kibibytes
    robots_redirects: int = 5  # RFC 9309, section 2.3.1.2
    robots_age_s: float = 24 * 3600.0  # RFC 9309, section 2.4
    connections: int = defaults.CONNECTIONS
    large_pages: int = 4  # bodies of over 1 MiB that are held at a time
    tries: int = 3
    failures_in_a_row: int = 5  # of a host, before its other pages are given up
    delay_s: float = defaults.DELAY_S
    max_delay_s: float = 300.0  # of Crawl-delay and Retry-After; longer ones end the host's pages
