"""The page in a browser: it complains of nothing, asks for nothing, fits, and sorts."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import Page


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)])
def test_the_pages_open_alone(browser: Any, reported: Path, width: int, dark: bool) -> None:
    for name in ("report/index.html", "overlap/squad.html"):
        path = reported / name
        browser.open(path, width=width, dark=dark)
        assert browser.complaints() == []
        assert browser.requests() == [path.resolve().as_uri()]
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        back = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") is not dark  # the style is applied


def test_what_the_policy_forbids_is_seen(browser: Any, reported: Path, tmp_path: Path) -> None:
    """The check above can fail: a picture from elsewhere and another script are complained of."""
    html = (reported / "report" / "index.html").read_text(encoding="utf-8")
    path = tmp_path / "page.html"
    path.write_text(html.replace("<main>", "<main><script>1</script><img src='http://x.example/'>"))
    browser.open(path)
    said = browser.complaints()
    assert any("script-src" in each for each in said)
    assert any("img-src" in each or "default-src" in each for each in said)


def test_a_click_on_a_head_sorts(browser: Any, reported: Path) -> None:
    browser.open(reported / "report" / "index.html")
    column = (
        "[...document.querySelectorAll('#domains-top tbody tr')].map(r => r.cells[{}].textContent)"
    )
    click = "document.querySelectorAll('#domains-top th')[{}].click()"
    browser.evaluate(click.format(1))
    names = browser.evaluate(column.format(1))
    assert names == sorted(names)
    browser.evaluate(click.format(5))
    words = [int(cell.replace(",", "")) for cell in browser.evaluate(column.format(5))]
    assert words == sorted(words, reverse=True)
    browser.evaluate(click.format(5))
    words_up = [int(cell.replace(",", "")) for cell in browser.evaluate(column.format(5))]
    assert words_up == words[::-1]


def test_on_paper_all_texts_are_open(browser: Any, reported: Path) -> None:
    browser.open(reported / "report" / "index.html")
    visible = "filter(text => text.checkVisibility({contentVisibilityAuto: true})).length"
    shown = f"[...document.querySelectorAll('details .text')].{visible}"
    texts = browser.evaluate("document.querySelectorAll('details .text').length")
    assert browser.evaluate(shown) < texts
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate(shown) == texts


def test_no_link_leads_outside(page: Page) -> None:
    links = [link.get("href") for link in page.tree.iter("a")]
    assert "../overlap/squad.html" in links
    assert all(link.startswith(("#", "../")) for link in links)
    targets = [link[1:] for link in links if link.startswith("#")]
    assert [section.get("id") for section in page.tree.iter("section")] == targets


def test_excerpts_are_short(page: Page) -> None:
    texts = [text.text_content() for text in page.tree.find_class("text")]
    assert texts
    assert max(map(len, texts)) <= 2000 + len("[...] [...]")
    assert any(text.endswith(" [...]") for text in texts)
