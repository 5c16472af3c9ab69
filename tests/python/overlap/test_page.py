"""The page of a report: one file that loads nothing, whatever the texts, names and URLs hold."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from webtext_py import overlap as lib

from .conftest import Write

TAGS = (
    "html head meta title style body h1 h2 h3 p table caption thead tbody tr th td div article "
    "strong mark a br figure figcaption svg g line rect text dl dt dd"
)
EVIL = [
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '" onmouseover="alert(1)',
    "</style><svg onload=alert(1)>",
    "<!-- <base href=//evil.example> -->",
    "]]><?xml <iframe srcdoc='x'>",
    "&lt;b&gt; &#x27; \u202e\u0000\ufeff",
    "' style='background:url(//evil.example)",
]
WORDS = "one two three four five six seven eight"


class Page(HTMLParser):
    """All tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_text_stays_text(tmp_path: Path, write: Write, evil: str) -> None:
    name = evil.replace("/", "").replace("\0", "")
    urls = [f"http://x.example/{evil}", f"javascript:{evil}", f"JavaScript://{evil}", evil]
    urls += [f"data:text/html,{evil}", f" http://{evil}", "HTTPS://fine.example/"]
    records = [
        {"id": f"{evil}{i}", "url": url, "text": f"{i} {evil} {WORDS} {evil} {i}"}
        for i, url in enumerate(urls)
    ]
    train = write(f"{name}.jsonl", records)
    rows = [{"id": f"{evil}{r['id']}", f"f{evil}": r["text"]} for r in records]
    test = write(f"set{name}.jsonl", rows)
    scores = write("scores.jsonl", [{"id": row["id"], f"m{evil}": 1} for row in rows])
    config = lib.OverlapConfig(
        test=(str(test),), train=(str(train),), fields=(f"f{evil}",), scores=(scores,)
    )
    [outcome] = lib.overlap(tmp_path / "data", config)
    [path] = [path for path in outcome.files if path.suffix == ".html"]
    page = Page(path.read_text())
    assert {tag for tag, _ in page.tags} <= set(TAGS.split())
    links = []
    for tag, attributes in page.tags:
        for attribute, value in attributes.items():
            assert not attribute.startswith("on"), attribute
            assert attribute not in ("src", "srcdoc", "style", "srcset", "action"), attribute
            if attribute == "href":
                assert tag == "a"
                links.append(value)
    outside = [link for link in links if link is not None and not link.startswith("#")]
    assert outside
    assert all(link.lower().startswith(("http://", "https://")) for link in outside)
    [policy] = [a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a]
    assert policy is not None
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none'; style-src")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert sum(tag == "style" for tag, _ in page.tags) == 1
    assert evil.replace("\0", "") in page.text.replace("\0", "")
    style = path.read_text().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_what_was_found_is_marked_on_both_sides(tmp_path: Path, write: Write) -> None:
    train = write("train.jsonl", [{"id": "d", "url": "https://x.example/", "text": f"so {WORDS}!"}])
    test = write("set.jsonl", [{"id": "e", "text": f"I say: {WORDS.upper()}; and more"}])
    [outcome] = lib.overlap(
        tmp_path / "data", lib.OverlapConfig(test=(str(test),), train=(str(train),))
    )
    page = outcome.files[1].read_text()
    assert f"I say: <mark>{WORDS.upper()}</mark>; and more" in page
    assert f"so <mark>{WORDS}</mark>!" in page
    assert '<a href="https://x.example/"' in page
