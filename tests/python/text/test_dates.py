"""Publication dates: never after the fetch, never by the clock."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from htmldate import extractors, validators
from trafilatura.utils import load_html

from webtext_py.text.dates import published

FETCHED = datetime(2016, 6, 15, 12, tzinfo=UTC)


def found(
    head: str, fetched_at: datetime | None = FETCHED, url: str = "https://x.org/a"
) -> date | None:
    html = f"<html><head><title>T</title>{head}</head><body><p>Some text.</p></body></html>"
    return published(load_html(html), url, fetched_at)


def time(content: str) -> str:
    return f'<meta property="article:published_time" content="{content}">'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("2014-03-02T10:00:00+01:00", date(2014, 3, 2)),
        ("2016-06-15T23:00:00Z", date(2016, 6, 15)),
        ("2017-02-01", None),
        ("2031-01-01", None),
        ("1989-01-01", None),
        ("2014", None),
        # In range as a moment, of the day after in its own zone.
        ("2016-06-16T05:00:00+14:00", None),
    ],
)
def test_published(content: str, expected: date | None) -> None:
    assert found(time(content)) == expected


def test_the_bound_is_fetched_at_only() -> None:
    assert found(time("2017-02-01"), datetime(2017, 2, 1, tzinfo=UTC)) == date(2017, 2, 1)
    assert found(time("2014-01-01"), None) is None
    # 23:30 in New York on the last of January is the next day in UTC.
    evening = datetime(2017, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-4)))
    assert found(time("2017-02-01"), evening) == date(2017, 2, 1)


def test_the_url_may_tell() -> None:
    assert found("", url="https://x.org/2013/05/17/story") == date(2013, 5, 17)
    assert found("", url="https://x.org/2019/05/17/story") is None


@pytest.mark.parametrize("year", [1999, 2016, 2090])
def test_the_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch, year: int) -> None:
    class Any(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, datetime)

    class Clock(datetime, metaclass=Any):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(year, 2, 3, 4, 5, 6)

    monkeypatch.setattr(validators, "datetime", Clock)
    assert found(time("2014-03-02")) == date(2014, 3, 2)
    assert found(time("2031-03-02")) is None
    assert found(time("1997-03-02")) == date(1997, 3, 2)
    assert found("") is None


def test_what_a_date_lacks_is_not_todays() -> None:
    # htmldate hands strings that begin with four digits to dateutil.
    assert extractors.dateutil_parse("2014 March", fuzzy=False) == datetime(2014, 3, 1)
    assert extractors.dateutil_parse("2014", fuzzy=False) == datetime(2014, 1, 1)
    assert extractors.dateutil_parse("3 May").year == 1  # refused as too early
    assert extractors.dateutil_parse("3 May 68").year == 2068
    assert extractors.dateutil_parse("3 May 69").year == 1969
