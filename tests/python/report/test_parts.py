"""Domains, lists of them, words that differ, sums, bars of months: the small parts."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.errors import InputError
from webtext_py.report import tally
from webtext_py.report.count import domains, doublings, years
from webtext_py.report.differ import differ
from webtext_py.report.published import Published, Standing, read_list
from webtext_py.report.sections import filled
from webtext_py.report.stage import grouped
from webtext_py.report.tally import Tally, by_kind


def test_domains_are_what_was_bought() -> None:
    known = {
        "http://a.blogspot.com/x": "blogspot.com",
        "https://News.BBC.co.uk:80/?q": "bbc.co.uk",
        "http://me:pw@www.example.org#x": "example.org",
        "http://www.thing.example/": "thing.example",
        "http://co.uk/": "co.uk",
        "http://10.1.2.3/": "10.1.2.3",
        "http://[2001:db8::1]:8080/": "[2001:db8::1]",
        "http://localhost/": "localhost",
        "nothing": None,
    }
    assert domains(pa.array(list(known))).to_pylist() == list(known.values())


def test_doublings_and_years() -> None:
    numbers = [-7, 0, 1, 2, 3, 4, 1023, 1024, (1 << 62) + 1]
    assert doublings(pa.array(numbers)).to_pylist() == [0, 0, 1, 2, 2, 4, 512, 1024, 1 << 62]
    days = pa.array([0, None, -500_000, 20_000], pa.int32()).cast(pa.date32())
    assert years(days).to_pylist() == [1989, None, 1989, 2024]


@pytest.mark.parametrize("partitions", [1, 7])
def test_sums_do_not_depend_on_how_rows_come(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, partitions: int
) -> None:
    monkeypatch.setattr(tally, "PARTITIONS", partitions)
    keys = [f"k{n * n % 97}.{n % 2}" for n in range(900)] + [None] * 3
    expected: dict[str | None, int] = Counter()
    for n, key in enumerate(keys):
        expected[key] += n
    with Tally(tmp_path / "one") as one:
        for kind in ("domain", "month"):
            one.count(kind, pa.array(keys), links=pa.array(range(903)))
    monkeypatch.setattr(tally, "_PENDING_ROWS", 5)  # so that they are folded and written often
    monkeypatch.setattr(tally, "_MOST_ROWS", 20)
    with Tally(tmp_path / "many") as many:
        for kind in ("domain", "month"):
            for n, key in enumerate(keys):
                many.count(kind, pa.array([key], pa.string()), links=pa.array([n]))
    for name in ("one", "many"):
        made = tally.merge([tmp_path / name], [tmp_path / "totals"], False)
        totals = pq.read_table(tmp_path / "totals")
        assert {row["key"]: row["links"] for row in by_kind(totals, "month")} == expected
        order = sorted(expected, key=lambda key: (-expected[key], key is None, key or ""))
        assert [row["key"] for row in by_kind(totals, "domain")] == order[: tally.TOP]
        assert made["domain"] == {"of_links": len(expected), "of_documents": 0}


def beside(published: Published, ours: list[str | None], counts: list[int]) -> dict[str, Any]:
    """Our domains beside a list, added in two parts."""
    made = Standing(published)
    parts = [n for n, name in enumerate(ours) if (name or "").startswith("b")]
    for some in (parts, sorted(set(range(len(ours))) - set(parts))):
        made.add(
            pa.array([ours[n] for n in some], pa.string()), pa.array([counts[n] for n in some])
        )
    return made.document()


def test_months_without_rows_are_bars_of_nothing() -> None:
    rows = [{"key": "2013-11", "n": 1}, {"key": "2014-02", "n": 2}, {"key": None, "n": 3}]
    assert [(row["key"], row["n"]) for row in filled(rows)] == [
        ("2013-11", 1), ("2013-12", 0), ("2014-01", 0), ("2014-02", 2), ("unknown", 3),
    ]  # fmt: skip
    far = [{"key": "0001-01", "n": 1}, {"key": "9999-12", "n": 2}]
    assert filled(far) == far


def test_words_that_differ() -> None:
    before = " ".join(f"w{n}" for n in range(100))
    made = differ(f"{before} one same end", f"{before} two same\nend more")
    assert made["skipped_words"] == 80
    assert [other for _, other in made["kept"]] == [False, True, False]
    assert [text.strip() for text, other in made["kept"] if other] == ["one"]
    assert [text.strip() for text, other in made["removed"] if other] == ["two", "more"]
    assert (made["only_kept"], made["only_removed"]) == (1, 2)
    assert made["cut"] == [False, False]


def test_equal_texts_and_long_ones() -> None:
    same = differ("a b c", "a  b c")
    assert not any(other for side in ("kept", "removed") for _, other in same[side])
    long = "x " * 50_000
    made = differ(long, "y " + long)
    assert sum(len(text) for text, _ in made["kept"]) <= 2000
    assert made["cut"] == [True, True]
    assert (made["only_kept"], made["only_removed"]) == (0, 1)


@pytest.mark.parametrize(
    "text",
    ["9 google\n5 bbc\n2\n1 x y\n", "google,9\nbbc,5\n2\nx y z\n", "# list\nGoogle\nbbc\n\n"],
)
def test_published_lists(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    published = read_list(path)
    assert published.names == ("google", "bbc")
    assert published.counts == (None if text.startswith("#") else (9, 5))
    assert published.unread == (0 if text.startswith("#") else 2)
    ours = ["bbc.co.uk", "bbc.com", "google.com", "other.org", None]
    made = beside(published, ours, [3, 4, 2, 1, 0])
    assert (made["found"], made["documents"], made["share"]) == (2, 9, 0.9)
    assert [(r["name"], r["rank"], r["documents"]) for r in made["rows"]] == [
        ("google", 2, 2), ("bbc", 1, 7),
    ]  # fmt: skip
    assert made["depths"] == [{"depth": 2, "common": 2}]


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("this is a text\nof a few lines that name no domain\n")
    with pytest.raises(InputError, match="no list of domains"):
        read_list(path)


def test_the_published_list_of_webtext(shared_data: Path) -> None:
    published = read_list(shared_data / "gpt2" / "domains.txt")
    assert (len(published.names), published.unread, published.bare) == (999, 1, True)
    assert published.names[:2] == ("google", "archive")
    ours = [f"{name}.com" for name in published.names]
    made = beside(published, ours, list(range(5000, 5000 - len(ours), -1)))
    assert made["rank_correlation"] == 1.0
    assert [row["common"] for row in made["depths"]] == [10, 100, 999]


def test_groups_of_files_are_bounded(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n:03}" for n in range(200)]
    for path in paths:
        path.touch()
    groups = grouped(paths)
    assert [path for group in groups for path in group] == paths
    assert max(map(len, groups)) <= 64
