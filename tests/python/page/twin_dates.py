"""The date a page says it was published, by htmldate: the twin of the core's.

htmldate fills what a date lacks from today's date in one place, and reads two-digit years by
today's century; both are pinned here, so that the answer depends on the page and on `fetched_at`
only. Its extensive search is off: it ends in guesses such as the copyright year of the footer.
"""

from datetime import UTC, date, datetime
from typing import Any

from dateutil import parser as dateutil_parser
from htmldate import extractors, find_date
from lxml.html import HtmlElement

__all__ = ["published"]


class _Centuries(dateutil_parser.parserinfo):  # type: ignore[misc]
    """Two-digit years by a fixed rule: 69 and later are 19xx (POSIX), not by today's date."""

    def convertyear(self, year: int, century_specified: bool = False) -> int:
        if year < 100 and not century_specified:
            return year + (1900 if year >= 69 else 2000)
        return year


_INFO = _Centuries()
# What a date lacks: a year 1 is refused as too early, month and day become the first.
_DEFAULT = datetime(1, 1, 1)


def _parse(text: str, **options: Any) -> datetime:
    moment: datetime = dateutil_parser.parse(text, parserinfo=_INFO, default=_DEFAULT, **options)
    return moment


if not hasattr(extractors, "dateutil_parse"):
    raise ImportError("htmldate no longer has `extractors.dateutil_parse`: look at dates.py")
extractors.dateutil_parse = _parse


def published(tree: HtmlElement, url: str, fetched_at: datetime | None) -> date | None:
    """Day on which the page in `tree` was published, never after `fetched_at`, or None.

    None where the page does not say, or where `fetched_at` is not known. A naive `fetched_at` is
    taken as UTC. Changes `tree`.
    """
    if fetched_at is None:
        return None
    if fetched_at.tzinfo is not None:
        fetched_at = fetched_at.astimezone(UTC)
    last = datetime(fetched_at.year, fetched_at.month, fetched_at.day, 23, 59, 59)
    found = find_date(tree, extensive_search=False, original_date=True, url=url, max_date=last)
    if found is None:
        return None
    day = date.fromisoformat(found)
    # A time with a zone far east may be in range and yet be of the next day.
    return day if day <= last.date() else None
