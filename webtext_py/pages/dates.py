"""Dates of archive records, as microseconds since 1970-01-01T00:00:00Z."""

import re
from datetime import UTC, datetime, timedelta, timezone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# W3C profile of ISO 8601 (WARC 1.1, 5.4), and ClueWeb09's: a day of the year behind the month,
# offsets without a colon.
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,3})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?\Z",
    re.ASCII,
)
_DIGITS = re.compile(r"[0-9]{12,17}\Z")


def parse_date(text: str) -> int | None:
    """Microseconds since 1970 of a WARC or ARC date, UTC where it names no offset; None where it
    is none.

    Parts that are absent count as zero. A day of three digits or past the month's end is a day of
    the year (`2008-10-294`, in all of ClueWeb09).
    """
    text = text.strip()
    try:
        if _DIGITS.match(text):
            padded = text[:14].ljust(14, "0")
            moment = datetime.strptime(padded, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        else:
            match = _ISO.match(text)
            if match is None:
                return None
            moment = _moment(match)
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // _MICROSECOND


def _moment(match: re.Match[str]) -> datetime:
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    micro = int((match[7] or "")[:6].ljust(6, "0"))
    zone = UTC
    if match[8] and match[8] != "Z":
        digits = match[8][1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        zone = timezone(-offset if match[8][0] == "-" else offset)
    # A leap second is the second before it: datetime has none.
    second = min(second, 59)
    try:
        if len(match[3]) == 3:
            raise ValueError("a day of the year")
        return datetime(year, month, day, hour, minute, second, micro, zone)
    except ValueError:
        first = datetime(year, 1, 1, hour, minute, second, micro, zone)
        moment = first + timedelta(days=day - 1)
        # Believed only where it falls into the month named (or the one beside it: at the turn of
        # a month the two were taken from different clocks).
        if day < 1 or moment.year != year or abs(moment.month - month) > 1:
            raise
        return moment
