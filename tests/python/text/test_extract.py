"""Pages to documents through the sandbox: interface, determinism, hostile pages."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from labelled_pages import article_benchmark, snippet_benchmark

from webtext_py.errors import ConfigError
from webtext_py.text import extract
from webtext_py.text.extract import (
    Document,
    Dropped,
    ExtractSettings,
    Page,
    PageExtractor,
    close_sandbox,
    extract_pages,
)
from webtext_py.text.main_text import TrafilaturaExtractor
from webtext_py.text.page import decode_page, encode_page
from webtext_py.text.page_task import extract_page
from webtext_py.text.sandbox import Sandbox

FETCHED = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS = ExtractSettings(cpu_seconds=2.0, min_words=20)
SENTENCES = [
    f"The {n} bakers of the old town met and spoke about flour number {n}." for n in range(60)
]
PARAGRAPHS = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES[:20])
ARTICLE = (
    "<!doctype html><html><head><title>Bakers &amp; flour</title>"
    '<meta property="article:published_time" content="2019-03-04T05:06:07Z"></head>'
    f"<body><nav><a href=/>Home</a> <a href=/b>Menu</a></nav>"
    f"<article><h1>Bakers &amp; flour</h1>{PARAGRAPHS}"
    "</article><footer>All rights reserved</footer></body></html>"
)


@pytest.fixture(scope="module")
def extractor() -> Iterator[PageExtractor]:
    with PageExtractor(SETTINGS) as running:
        yield running


def page(html: str, content_type: str | None = "text/html; charset=utf-8") -> Page:
    return Page("https://example.org/a", html.encode(), content_type, (), FETCHED)


def test_a_document(extractor: PageExtractor) -> None:
    document = extractor.extract(page(ARTICLE))
    assert isinstance(document, Document)
    assert document.title == "Bakers & flour"
    assert document.text == "\n\n".join(["Bakers & flour", *SENTENCES[:20]])
    assert document.language == "en"
    assert document.published == date(2019, 3, 4)
    assert document.extractor.startswith("trafilatura 2.")
    assert document.charset == "utf-8:http"
    assert extractor.cpu_seconds > 0


def test_outcomes_come_in_order_one_for_each_page() -> None:
    pages = [page(ARTICLE), page("%PDF-1.3"), page("<p></p>"), page(ARTICLE)]
    outcomes = list(extract_pages(iter(pages), SETTINGS))
    assert [getattr(o, "reason", "kept") for o in outcomes] == ["kept", "not_html", "empty", "kept"]
    assert outcomes[0] == outcomes[3]


def test_the_sandbox_is_kept_between_calls_and_is_nobody_elses() -> None:
    def zygote() -> int:
        list(extract_pages([page(ARTICLE)], SETTINGS))
        kept = extract._KEPT.extractor
        assert kept is not None
        process = kept._sandbox._process
        assert process is not None
        return process.pid

    first = zygote()
    assert zygote() == first
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(zygote).result() != first
    child = os.fork()
    if child == 0:
        os._exit(0 if zygote() != first else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert zygote() == first
    close_sandbox()
    assert zygote() != first


def test_settings_reach_the_child() -> None:
    settings = ExtractSettings(min_words=10_000)
    assert next(extract_pages([page(ARTICLE)], settings)) == Dropped("too_short", "282 words")
    assert next(extract_pages([page(ARTICLE)], ExtractSettings(lang="fr"))) == Dropped(
        "language", "en"
    )
    small = ExtractSettings(max_html_bytes=len(ARTICLE) - 1)
    assert next(extract_pages([page(ARTICLE)], small)) == Dropped(
        "too_large", f"{len(ARTICLE)} bytes"
    )


def test_another_extractor_fits_behind_the_interface() -> None:
    settings = ExtractSettings(extractor="planted_extractor:Upper", min_words=1)
    assert next(extract_pages([page("<p>some words</p>")], settings)) == Document(
        "https://example.org/a", "<P>SOME WORDS</P>", "und", None, "upper 1", "none"
    )


@pytest.mark.parametrize(
    "wrong",
    [{"min_words": -1}, {"cpu_seconds": 0}, {"memory_bytes": -1}, {"extractor": "trafilatur"}],
)
def test_settings_that_make_no_sense(wrong: dict[str, int | str]) -> None:
    with pytest.raises(ConfigError):
        ExtractSettings(**wrong)  # type: ignore[arg-type]


def test_pages_survive_the_wire() -> None:
    original = Page("u", b"\x00\xff", None, (("A", "b"), ("A", "c")), FETCHED)
    assert decode_page(encode_page(original)) == original


# -- hostile pages. Whatever becomes of them, the page after them is extracted as ever.

HOSTILE = {
    "deep nesting": "<div>" * 200_000 + "deep",
    "deep nesting, closed": "<div>" * 100_000 + PARAGRAPHS + "</div>" * 100_000,
    "unclosed inline": "<b><i>" * 100_000 + PARAGRAPHS,
    "deep tables": "<table><tr><td>" * 3_000 + PARAGRAPHS,
    "deep lists": "<ul><li>item" * 3_000,
    "giant attribute": f'<article data-x="{"x" * 9_000_000}">{PARAGRAPHS}',
    "many attributes": f"<article {' '.join(f'a{n}=1' for n in range(100_000))}>{PARAGRAPHS}",
    "one giant word": f"<article><p>{'a' * 3_000_000}</p>",
    "many short paragraphs": f"<article>{'<p>some words of text</p>' * 100_000}",
    "endless comment": f"<article>{PARAGRAPHS}<!--{'x' * 5_000_000}",
    "NUL bytes": f"<article>{PARAGRAPHS}{chr(0) * 100_000}</article>",
    "deep JSON-LD": '<script type="application/ld+json">'
    + "[" * 100_000
    + f"</script>{PARAGRAPHS}",
    "only angles": "<p>" + "<" * 500_000,
    "many dates": f"<article>{PARAGRAPHS}" + "<span>12/11/2019 </span>" * 20_000,
    "lone surrogate": f"<title>&#xD800;</title><article>{PARAGRAPHS}<p>&#xDFFF;&#0;</p>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_cost_only_themselves(extractor: PageExtractor, name: str) -> None:
    expected = extractor.extract(page(ARTICLE))
    assert isinstance(expected, Document)
    outcome = extractor.extract(page(f"<!doctype html><html><body>{HOSTILE[name]}"))
    assert isinstance(outcome, Document | Dropped)
    assert extractor.extract(page(ARTICLE)) == expected


def test_broken_metadata_costs_no_text(extractor: PageExtractor) -> None:
    outcome = extractor.extract(page(f"<html><body>{HOSTILE['deep JSON-LD']}"))
    assert isinstance(outcome, Document)
    assert SENTENCES[3] in outcome.text


def test_a_huge_page_does_not_enter(extractor: PageExtractor) -> None:
    huge = Page("https://example.org/", b"<p>" + b"x" * (50 << 20), "text/html")
    assert extractor.extract(huge) == Dropped("too_large", f"{(50 << 20) + 3} bytes")


def test_memory_has_a_bound() -> None:
    settings = ExtractSettings(memory_bytes=48 << 20, cpu_seconds=20)
    words = "".join(f"<p>{n} {n * 7} words {n * 31}</p>" for n in range(150_000))
    outcomes = list(extract_pages([page(f"<article>{words}"), page(ARTICLE)], settings))
    assert outcomes[0] == Dropped("memory_limit", f"over {48 << 20} bytes")
    assert isinstance(outcomes[1], Document)


def test_the_zygote_has_one_thread(extractor: PageExtractor) -> None:
    """Forking a process with threads may copy a lock that nobody will ever release."""
    extractor.extract(page(ARTICLE))
    process = extractor._sandbox._process
    assert process is not None
    assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1


def test_nothing_heavy_is_imported_before_a_sandbox_starts() -> None:
    script = (
        "import sys, webtext_py.text.extract; "
        "print([m for m in ('trafilatura', 'lxml', 'numpy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# -- the same page gives the same document, whatever came before it and wherever it runs


def real_pages(shared_data: Path) -> list[Page]:
    html = shared_data / "html"
    labelled = article_benchmark(html)[::9] + snippet_benchmark(html)[::9]
    return [Page(p.url, p.body, None, (), FETCHED) for p in labelled]


@pytest.mark.shared_data
def test_order_and_company_change_nothing(shared_data: Path) -> None:
    pages = real_pages(shared_data)
    with PageExtractor() as warm:
        forwards = [warm.extract(p) for p in pages]
        again = [warm.extract(p) for p in pages]
    backwards = list(extract_pages(reversed(pages)))[::-1]
    here = TrafilaturaExtractor()
    minimum = ExtractSettings().min_words
    in_process = [extract_page(p, here, minimum, None) for p in pages]
    assert forwards == again == backwards == in_process
    assert sum(isinstance(outcome, Document) for outcome in forwards) > 45


@pytest.mark.shared_data
def test_pages_repeated_often_keep_their_text(shared_data: Path) -> None:
    """trafilatura's duplicate filter drops what it has seen thrice; it must be off."""
    first = real_pages(shared_data)[0]
    assert len({str(outcome) for outcome in extract_pages([first] * 5)}) == 1


def test_hash_seed_and_zone_are_pinned_in_the_child() -> None:
    with Sandbox("planted:make") as sandbox:
        assert sandbox.run(b"environment") == b"0 UTC"
