"""The one reading of times: seconds, milliseconds, finer; numbers, ISO text, Arrow's types."""

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from webtext_py.pages.dates import parse_date

# Microseconds since 1970: the years 1 to 9999, which everybody can write down.
EARLIEST = -62_135_596_800 * 10**6
LATEST = 253_402_300_799 * 10**6 + 999_999
_UNITS = {"s": 10**6, "ms": 1000, "us": 1}
_NUMBER = re.compile(
    r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?\Z", re.ASCII
)
_CALENDAR = re.compile(r"(?:1[89]|20|21)\d\d(?:0\d|1[0-2])(?:[0-2]\d|3[01])\d{4,9}\Z", re.ASCII)


class Micros(int):
    """A time out of a column of times: microseconds since 1970."""


def to_micros(value: object) -> int | None:
    """Microseconds since 1970 of a time; None for what is none, or lies outside the years 1 to
    9999.

    A number of fewer than twelve digits is seconds, then come milliseconds, microseconds and
    nanoseconds, by its size: 1e11 seconds are the year 5138, 1e11 milliseconds 1973. Fourteen
    digits that spell a moment of these centuries are that (`20170131120000`, as archives write it).
    Text is a number or ISO 8601; what names no offset is UTC.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, Micros):
        return int(value)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return _micros_of(aware)
    if isinstance(value, date):
        return _micros_of(datetime(value.year, value.month, value.day, tzinfo=UTC))
    if isinstance(value, int) and abs(value) >= 10**20:
        return None  # before it is written out: a number may have a million digits
    text = str(value).strip() if isinstance(value, int | float | str | Decimal) else ""
    if len(text) > 100:
        return None
    if isinstance(value, str) or len(text) in (14, 17):
        found = parse_date(text) if not text.isdigit() or _CALENDAR.match(text) else None
        if found is not None:
            return found
    return _of_number(text) if _NUMBER.match(text) else None


def _micros_of(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**6 + since.microseconds


def _of_number(text: str) -> int | None:
    number = Decimal(text)
    size = abs(number)
    for limit, numerator in ((10**11, 10**6), (10**14, 1000), (10**17, 1), (10**20, 0)):
        if size < limit:
            micros = math.floor(number * numerator) if numerator else math.floor(number / 1000)
            return micros if EARLIEST <= micros <= LATEST else None
    return None


def column_micros(column: pa.Array) -> list[int | None]:
    """`to_micros` of each value of a timestamp or date column of any unit."""
    kind = column.type
    if pa.types.is_date32(kind):
        scale, numbers = 86400 * 10**6, column.cast(pa.int32()).to_pylist()
    elif pa.types.is_date64(kind):
        scale, numbers = 1000, column.cast(pa.int64()).to_pylist()
    else:
        scale, numbers = _UNITS.get(kind.unit, 0), column.view(pa.int64()).to_pylist()
    found = []
    for number in numbers:
        micros = None if number is None else number * scale if scale else number // 1000
        found.append(micros if micros is not None and EARLIEST <= micros <= LATEST else None)
    return found
