"""Pages to documents: engines of the core in this process, foreign Python in the sandbox."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest
from labelled_pages import article_benchmark, snippet_benchmark

import webtext_py
from webtext_py.errors import ConfigError, WebTextError
from webtext_py.text import extract, page_task
from webtext_py.text.extract import ExtractSettings, Outcomes, PageExtractor, close_sandbox
from webtext_py.text.page import Found, Page
from webtext_py.text.sandbox import Sandbox

FETCHED = datetime(2020, 1, 1, tzinfo=UTC)
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
ENGINES = ("rules", "trafilatura")


def page(html: str, content_type: str | None = "text/html; charset=utf-8") -> Page:
    return Page("https://example.org/a", html.encode(), content_type, (), FETCHED)


def outcomes(pages: list[Page], **settings: object) -> Outcomes:
    with PageExtractor(ExtractSettings(**settings)) as extractor:  # type: ignore[arg-type]
        return extractor.outcomes(pages)


def ends(pages: list[Page], **settings: object) -> list[str | None]:
    return outcomes(pages, **settings).reasons


@pytest.mark.parametrize("engine", ENGINES)
def test_a_document(engine: str) -> None:
    found = outcomes([page(ARTICLE)], extractor=engine)
    assert found.reasons == [None]
    (row,) = found.kept.to_pylist()
    name = row.pop("extractor")
    assert name == "rules 3" if engine == "rules" else name.startswith("trafilatura 2.")
    assert row == {
        "title": "Bakers & flour",
        "text": "\n\n".join(["Bakers & flour", *SENTENCES[:20]]),
        "language": "en",
        "published": date(2019, 3, 4),
        "charset": "utf-8:http",
        "words": 282,
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_outcomes_come_in_order_one_for_each_page(engine: str) -> None:
    pages = [page(ARTICLE), page("%PDF-1.3"), page("<p></p>"), page(ARTICLE)]
    found = outcomes(pages, extractor=engine)
    assert found.reasons == [None, "not_html", "empty", None]
    assert found.kept.slice(0, 1).equals(found.kept.slice(1, 1))
    assert ends([]) == []
    assert ends(pages[1:3], extractor=engine) == ["not_html", "empty"]


def test_settings_decide() -> None:
    assert ends([page(ARTICLE)], extractor="rules", min_words=283) == ["too_short"]
    assert ends([page(ARTICLE)], extractor="rules", min_words=282) == [None]
    assert ends([page(ARTICLE)], lang="fr") == ["language"]
    assert ends([page(ARTICLE)], max_html_bytes=len(ARTICLE) - 1) == ["too_large"]


def test_another_extractor_fits_behind_the_interface() -> None:
    found = outcomes(
        [page("<title>t</title><p>some words</p>")],
        extractor="planted_extractor:Upper",
        min_words=1,
    )
    (row,) = found.kept.to_pylist()
    assert row["text"] == "<TITLE>T</TITLE><P>SOME WORDS</P>"
    assert (row["title"], row["extractor"], row["charset"]) == ("t", "upper 1", "utf-8:http")


def test_a_foreign_extractor_may_crash() -> None:
    pages = [page("<p>fine</p>"), page("<p>deadly</p>"), page("<p>fine</p>")]
    found = ends(pages, extractor="planted_extractor:Deadly", min_words=1)
    assert found == [None, "crash", None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_words": -1},
        {"cpu_seconds": 0},
        {"memory_bytes": -1},
        {"extractor": "trafilatur"},
        {"lang": "english"},
        {"lang": "xx"},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, int | str]) -> None:
    with pytest.raises(ConfigError):
        ExtractSettings(**wrong)  # type: ignore[arg-type]


def test_what_a_result_depends_on_is_named() -> None:
    assert ExtractSettings().named == "webtext 3"
    assert ExtractSettings("rules").named == "rules 3"
    assert ExtractSettings().libraries == ()
    assert ExtractSettings("trafilatura").named.startswith("trafilatura 2.")
    assert ExtractSettings("trafilatura").libraries == ("trafilatura", "lxml")
    assert ExtractSettings("a:B").named == "a:B"


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
@pytest.mark.parametrize("engine", ENGINES)
def test_hostile_pages_cost_only_themselves(engine: str, name: str) -> None:
    settings = {"extractor": engine, "cpu_seconds": 2.0, "min_words": 20}
    hostile = page(f"<!doctype html><html><body>{HOSTILE[name]}")
    found = outcomes([page(ARTICLE), hostile, page(ARTICLE)], **settings)
    assert found.reasons[0] is found.reasons[2] is None
    assert found.kept.slice(0, 1).equals(found.kept.slice(len(found.kept) - 1))


@pytest.mark.parametrize("engine", ENGINES)
def test_broken_metadata_costs_no_text(engine: str) -> None:
    found = outcomes([page(f"<html><body>{HOSTILE['deep JSON-LD']}")], extractor=engine)
    assert SENTENCES[3] in found.kept["text"][0].as_py()


def test_a_page_beyond_the_counted_work_is_too_costly() -> None:
    many = "<b></b>" * 1_100_000
    pages = [page(f"<article>{PARAGRAPHS}{many}</article>"), page(ARTICLE)]
    assert ends(pages) == ["too_costly", None]


def test_foreign_memory_has_a_bound() -> None:
    words = "".join(f"<p>{n} {n * 7} words {n * 31}</p>" for n in range(150_000))
    pages = [page(f"<article>{words}"), page(ARTICLE)]
    found = ends(pages, extractor="trafilatura", memory_bytes=48 << 20, cpu_seconds=20)
    assert found == ["memory_limit", None]


# -- a process that dies in the core


def test_a_task_that_killed_a_process_runs_page_by_page_in_a_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "marks" / "task"
    pages = [page(ARTICLE), page("<p></p>"), page(ARTICLE.replace("bakers", "millers"))]
    with PageExtractor(ExtractSettings("rules"), mark) as extractor:
        assert mark.exists()
        plain = extractor.outcomes(pages)
    assert not mark.exists()
    mark.touch()  # as a process leaves it that dies
    with monkeypatch.context() as here:
        here.setattr("webtext_py.text.found.by_core", lambda *_: pytest.fail("in this process"))
        with PageExtractor(ExtractSettings("rules"), mark) as extractor:
            careful = extractor.outcomes(pages)
    assert careful.reasons == plain.reasons == [None, "empty", None]
    assert careful.kept.equals(plain.kept)
    # And only the guilty page is lost.
    real = Sandbox

    def deadly(target: str, settings: bytes, limits: object) -> Sandbox:
        return real("planted:deadly_core", settings, limits)  # type: ignore[arg-type]

    monkeypatch.setattr(extract, "Sandbox", deadly)
    close_sandbox()
    mark.touch()
    with PageExtractor(ExtractSettings("rules"), mark) as extractor:
        found = extractor.outcomes(pages)
    close_sandbox()
    assert found.reasons == [None, "empty", "crash"]
    assert found.kept.equals(plain.kept.slice(0, 1))


def test_the_sandbox_is_kept_between_calls_and_is_nobody_elses() -> None:
    def zygote() -> int:
        outcomes([page(ARTICLE)], extractor="trafilatura")
        kept = extract._KEPT.sandbox
        assert kept is not None
        process = kept._process
        assert process is not None
        # Forking a process with threads may copy a lock that nobody will ever release.
        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1
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


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    script = (
        "import sys, webtext_py.text.extract, webtext_py.text.page_task; "
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
@pytest.mark.parametrize("engine", ENGINES)
def test_order_and_company_change_nothing(shared_data: Path, engine: str) -> None:
    pages = real_pages(shared_data)
    settings = ExtractSettings(engine)
    with PageExtractor(settings) as extractor:
        forwards = extractor.outcomes(pages)
        alone = [extractor.outcomes([p]) for p in pages]
        backwards = extractor.outcomes(pages[::-1])
    assert forwards.reasons == [one.reasons[0] for one in alone] == backwards.reasons[::-1]
    rows = forwards.kept.to_pylist()
    assert rows == [row for one in alone for row in one.kept.to_pylist()]
    assert rows == backwards.kept.to_pylist()[::-1]
    assert len(rows) > 45


@pytest.mark.shared_data
def test_pages_repeated_often_keep_their_text(shared_data: Path) -> None:
    """trafilatura's duplicate filter drops what it has seen thrice; it must be off."""
    found = outcomes([real_pages(shared_data)[0]] * 5, extractor="trafilatura")
    assert len(found.kept) == 5
    assert len(set(found.kept["text"].to_pylist())) == 1


def test_hash_seed_and_zone_are_pinned_in_the_child() -> None:
    with Sandbox("planted:make") as sandbox:
        assert sandbox.run(b"environment") == b"0 UTC"


def test_pages_survive_the_wire() -> None:
    original = Page("u", b"\x00\xff", None, (("A", "b"), ("A", "c")), FETCHED)
    assert page_task._PAGE.decode(msgspec.msgpack.encode(original)) == original
    found = Found(None, "t", None, "en", date(2020, 1, 2), "x 1", "utf-8:meta")
    assert extract._FOUND.decode(msgspec.msgpack.encode(found)) == found


# -- one page


def test_one_page() -> None:
    document = webtext_py.extract(ARTICLE, "https://example.org/a")
    assert document.title == "Bakers & flour"
    # The model leaves the title to its column.
    assert document.text == "\n\n".join(SENTENCES[:20])
    assert (document.language, document.published) == ("en", date(2019, 3, 4))
    assert document.extractor == "webtext 3"
    assert webtext_py.extract("").text == ""


def test_text_is_never_decoded_again_and_bytes_are() -> None:
    words = "Où est passé l'été ? Ça coûte 5 €, « déjà ». " * 12
    html = f'<meta charset="windows-1251"><article><p>{words}</p></article>'
    assert webtext_py.extract(html).text == words.strip()
    assert webtext_py.extract("\ufeff" + html).text == words.strip()
    body = html.replace("windows-1251", "windows-1252").encode("cp1252")
    document = webtext_py.extract(body)
    assert (document.text, document.charset) == (words.strip(), "windows-1252:meta")


def test_a_date_without_a_time_of_capture_has_no_upper_bound() -> None:
    html = ARTICLE.replace("2019-03-04", "2031-02-03")
    assert webtext_py.extract(html).published == date(2031, 2, 3)
    assert outcomes([page(html)]).kept["published"].to_pylist() == [None]


def test_one_page_that_costs_too_much() -> None:
    with pytest.raises(WebTextError, match="too_costly"):
        webtext_py.extract("<b></b>" * 1_100_000)
