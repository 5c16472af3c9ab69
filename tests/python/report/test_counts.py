"""Every count on the page is that of another database over the same Parquet files."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from webtext_py.sizes import size as human

from .conftest import Page

HOST = r"'^[a-z]+://([^/?#:]*)'"
DOMAIN = r"regexp_extract(regexp_extract({}, " + HOST + r", 1), '[^.]+\.[^.]+$')"
DOUBLING = "CASE WHEN {0} < 1 THEN 0 ELSE 1::BIGINT << floor(log2({0}))::INT END"


def tables(data: Path) -> dict[str, str]:
    """How a query calls each table."""
    places = {
        "lines": "ledger/lines.parquet",
        "sample": "ledger/sample.parquet",
        "ends": "ledger/urls-*.parquet",
        "links": "links/*.parquet",
        "documents": "documents/*.parquet",
        "shards": "shards/*.parquet",
        "duplicates": "duplicates/*.parquet",
        "tokens": "tokens/*.parquet",
    }
    return {name: f"read_parquet('{data / place}')" for name, place in places.items()}


@pytest.fixture
def ask(reported: Path) -> Any:
    """Rows of a query with `{table}` in it."""
    names = tables(reported)
    connection = duckdb.connect()
    return lambda query: connection.execute(query.format(**names)).fetchall()


def bars(rows: list[tuple[Any, ...]]) -> dict[str, tuple[int, ...]]:
    return {label: tuple(int(count) for count in counts) for label, *counts in rows}


def span(least: int) -> str:
    return f"{least:,}-{2 * least - 1:,}" if least > 1 else str(least)


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_tiles_and_lead(page: Page, ask: Any) -> None:
    found = {
        tile.find("dt").text: tile.find("dd").text for tile in page.tree.find_class("tiles")[0]
    }
    [(documents, words, size)] = ask("SELECT count(*), sum(words), sum(bytes) FROM {shards}")
    [(tokens,)] = ask("SELECT sum(len(tokens)) FROM {tokens}")
    [(domains,)] = ask(f"SELECT count(DISTINCT {DOMAIN.format('url')}) FROM {{shards}}")
    [(subreddits,)] = ask("SELECT count(DISTINCT subreddit) FROM {shards}")
    assert found == {
        "documents": f"{documents:,}",
        "words": f"{words:,}",
        "of text": human(size),
        "tokens": f"{tokens:,}",
        "domains": f"{domains:,}",
        "subreddits": f"{subreddits:,}",
    }
    [(lines,)] = ask("SELECT sum(lines) FROM {lines}")
    [(urls,)] = ask("SELECT count(*) FROM {ends}")
    [(links,)] = ask("SELECT count(*) FROM {links}")
    [lead] = page.tree.find_class("lead")
    assert f"{lines:,} lines of submissions named {urls:,} URLs; {links:,} were" in lead.text
    assert f"{documents:,} of them are documents" in lead.text


def test_the_funnel(page: Page, ask: Any) -> None:
    expected: list[tuple[str, int]] = []
    lines = dict(ask("SELECT outcome, sum(lines) FROM {lines} GROUP BY 1"))
    expected += block("lines of submissions", sum(lines.values()), lines)
    ends = ask("SELECT stage, outcome, count(*) FROM {ends} GROUP BY ALL")
    left = sum(count for _, _, count in ends)
    for stage in ("links", "pages", "extract", "dedup", "wikipedia", "shard"):
        mine = {outcome: count for name, outcome, count in ends if name == stage}
        expected += block(stage, left, mine)
        left -= sum(count for outcome, count in mine.items() if outcome != "kept")
    assert [(row[0], number(row[1])) for row in page.tables["funnel"]] == expected


def block(stage: str, taken: int, ends: dict[str, int]) -> list[tuple[str, int]]:
    dropped = {outcome: count for outcome, count in ends.items() if outcome != "kept"}
    order = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return [(stage, taken), ("kept", taken - sum(dropped.values())), *order]


BY_MONTH = """
SELECT coalesce(l.month, d.month), coalesce(l.links, 0), coalesce(d.documents, 0)
FROM (SELECT strftime(created_utc, '%Y-%m') AS month, count(*) AS links
      FROM {links} GROUP BY 1) l
FULL JOIN (SELECT strftime(created_utc, '%Y-%m') AS month, count(*) AS documents
      FROM {shards} GROUP BY 1) d ON l.month = d.month
"""
OF_DOCUMENTS = "SELECT {0}, count(*) FROM {{shards}} GROUP BY 1"


def test_months_and_karma(page: Page, ask: Any) -> None:
    assert page.charts["months"] == bars(ask(BY_MONTH))
    for id, measure in (("submissions", "submissions"), ("karma-months", "karma")):
        query = f"SELECT strftime(created_utc, '%Y-%m'), sum({measure}) FROM {{links}} GROUP BY 1"
        assert page.charts[id] == bars(ask(query)), id
    karma = DOUBLING.format("karma")
    links = dict(ask(f"SELECT {karma}, count(*) FROM {{links}} GROUP BY 1"))
    documents = dict(ask(OF_DOCUMENTS.format(karma)))
    assert page.charts["karma"] == {
        span(least): (count, documents.get(least, 0)) for least, count in links.items()
    }


@pytest.mark.parametrize(
    ("id", "of_links", "of_documents"),
    [
        ("domains-top", DOMAIN.format("url_key"), DOMAIN.format("url")),
        ("subreddits-top", "subreddit", "subreddit"),
    ],
)
def test_tops(page: Page, ask: Any, id: str, of_links: str, of_documents: str) -> None:
    links = dict(ask(f"SELECT {of_links}, count(*) FROM {{links}} GROUP BY 1"))
    documents = ask(f"SELECT {of_documents}, count(*), sum(words) FROM {{shards}} GROUP BY 1")
    rows = {name: (links.get(name, 0), count, words) for name, count, words in documents}
    rows |= {name: (count, 0, 0) for name, count in links.items() if name not in rows}
    order = sorted(rows, key=lambda name: (-rows[name][1], -rows[name][0], name))[:50]
    shown = page.tables[id]
    assert [(r[1], number(r[2]), number(r[3]), number(r[5])) for r in shown] == [
        (name, *rows[name]) for name in order
    ]
    [(total,)] = ask("SELECT count(*) FROM {shards}")
    assert [row[4] for row in shown] == [f"{100 * rows[name][1] / total:.2f} %" for name in order]
    section = page.tree.get_element_by_id(id.removesuffix("-top")).text_content()
    known = sum(count > 0 for _, count, _ in rows.values())
    assert f"{len(links):,} {id.removesuffix('-top')} " in section
    assert f"{known:,} " in section


def test_texts(page: Page, ask: Any) -> None:
    lengths = ask(OF_DOCUMENTS.format(DOUBLING.format("words")))
    assert page.charts["lengths"] == {span(least): (count,) for least, count in lengths}
    languages = ask("SELECT language, count(*), sum(words) FROM {shards} GROUP BY 1")
    shown = {(row[0], number(row[1]), number(row[3])) for row in page.tables["languages"]}
    assert shown == set(languages)
    month = "coalesce(strftime(fetched_at, '%Y-%m'), 'unknown')"
    assert page.charts["fetched"] == bars(ask(OF_DOCUMENTS.format(month)))
    year = "CASE WHEN year(published) < 1990 THEN 'before 1990' ELSE year(published)::VARCHAR END"
    year = f"coalesce({year}, 'unknown')"
    assert page.charts["published"] == bars(ask(OF_DOCUMENTS.format(year)))


def test_duplicates_and_wikipedia(page: Page, ask: Any) -> None:
    least = f"CASE WHEN n < 4 THEN n ELSE {DOUBLING.format('n')} END"
    sizes = ask(f"""SELECT {least}, count(*) FROM (SELECT count(*) + 1 AS n FROM {{duplicates}}
                    GROUP BY kept_doc_id) GROUP BY 1""")
    assert page.charts["cluster-sizes"] == {span(n) if n > 3 else str(n): (c,) for n, c in sizes}
    similar = ask("""SELECT floor(jaccard_kept * 20 + 1e-9) * 5, count(*) FROM {duplicates}
                     WHERE kind = 'near' GROUP BY 1""")
    assert page.charts["similarities"] == {f"{p:.0f} %": (count,) for p, count in similar}
    [(removed, near, clusters)] = ask("""SELECT count(*), count(*) FILTER (kind = 'near'),
                                         count(DISTINCT kept_doc_id) FROM {duplicates}""")
    said = page.tree.get_element_by_id("duplicates").text_content()
    assert f"{removed:,} documents were removed, {removed - near:,} with the words" in said
    assert f"{near:,} nearly so, in {clusters:,} clusters" in said
    ends = ask("""SELECT stage, outcome, count(*)::VARCHAR FROM {ends}
                  WHERE outcome LIKE 'wikipedia%' GROUP BY ALL ORDER BY ALL""")
    assert page.tables["wikipedia-ends"] == [list(row) for row in ends]


def test_vocabulary(page: Page, ask: Any) -> None:
    uses = dict(ask("SELECT unnest(tokens) AS id, count(*) FROM {tokens} GROUP BY 1"))
    for id in ("longest", "rarest"):
        assert len(page.tables[id]) == 20
        for row in page.tables[id]:
            assert number(row[3]) == uses.get(number(row[0]), 0), row
    fewest = sorted(uses.values())[:20]
    assert [number(row[3]) for row in page.tables["rarest"]] == fewest
    said = page.tree.get_element_by_id("tokens").text_content()
    [(size, rows)] = ask("SELECT sum(bytes), count(*) FROM {shards}")
    total = sum(uses.values())
    assert f"{total:,} tokens in {rows:,} rows" in said
    assert f"{size / (total - rows):.3f} bytes of text a token" in said


def test_samples(page: Page, figures: dict[str, Any], ask: Any) -> None:
    """Ten of each end or all, with their links' facts, and their texts as they stand."""
    ends = ask("SELECT stage, outcome, count(*) FROM {ends} GROUP BY ALL")
    lines = ask("""SELECT 'lines', outcome, sum(lines)::BIGINT FROM {lines} WHERE outcome != 'kept'
                   GROUP BY ALL""")
    shown = [(e["stage"], e["outcome"], e["count"]) for e in figures["samples"]]
    assert sorted(shown) == sorted([*ends, *lines])
    for end in figures["samples"]:
        rows = end["rows"]
        assert len(rows) == (0 if end["outcome"] == "blank" else min(10, end["count"]))
        for row in rows if end["stage"] != "lines" else ():
            key = row["url_key"].replace("'", "''")
            where = f"WHERE url_key = '{key}'"
            found = ask(f"SELECT stage, outcome, doc_id FROM {{ends}} {where}")
            assert found == [(end["stage"], end["outcome"], row["doc_id"])]
            table = "{sample}" if end["stage"] == "links" else "{links}"
            day = "to_timestamp(created_utc)" if table == "{sample}" else "created_utc"
            day = f"strftime({day} AT TIME ZONE 'UTC', '%Y-%m-%d')"
            link = ask(f"SELECT karma, subreddit, {day} FROM {table} {where}")
            assert link == [(row["karma"], row["subreddit"], row["posted"])]
            text = ask(f"SELECT substr(text, 1, 2000) FROM {{documents}} {where}")
            wanted = row["text"] is not None
            assert (row["doc_id"] is not None) == wanted
            if wanted:
                assert text == [(row["text"],)]
                assert row["text"] in page.tree.text_content()
    for end in page.tree.xpath("//details[@data-end]"):
        stage, _, outcome = end.get("data-end").partition("/")
        [count] = [c for s, o, c in [*ends, *lines] if (s, o) == (stage, outcome)]
        assert f"{count:,} of " in end.find("summary").text_content()


def test_no_table_and_no_chart_is_left_out(page: Page, reported: Path) -> None:
    """What is added to the page needs its query here."""
    asked = {"funnel", "domains-top", "subreddits-top", "languages", "wikipedia-ends", "longest",
             "rarest"}  # fmt: skip
    elsewhere = {"cost-stages", "overlap-sets"}  # of the manifest, of the overlap report
    assert set(page.tables) == asked | elsewhere
    assert set(page.charts) == {
        "months", "submissions", "karma-months", "karma", "lengths", "fetched", "published",
        "cluster-sizes", "similarities",
    }  # fmt: skip
