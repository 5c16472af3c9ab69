"""What is no document, and what only looks like none."""

from datetime import UTC, datetime

import pytest

from webtext_py.defaults import MIN_WORDS
from webtext_py.text import rules
from webtext_py.text.extract import ExtractSettings, PageExtractor
from webtext_py.text.found import of_rows
from webtext_py.text.page import Found, Page

URL = "https://example.org/a"

# Distinct sentences: extraction drops repeated ones.
SENTENCES = [
    f"On day {n} the {thing} of the town council went to the {place} to hear what people thought."
    for n, (thing, place) in enumerate(
        (t, p)
        for t in ("clerk", "speaker", "treasurer", "mayor", "youngest member")
        for p in ("harbour", "market", "school", "old mill", "station", "library")
    )
]


def article(title: str, *extra: str, sentences: int = 30) -> str:
    paragraphs = "".join(f"<p>{text}</p>" for text in [*SENTENCES[:sentences], *extra])
    return (
        f"<!doctype html><html><head><title>{title}</title></head>"
        f"<body><article><h1>{title}</h1>{paragraphs}</article></body></html>"
    )


def page(title: str, body: str) -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>"


def outcome(
    html: str | bytes,
    content_type: str | None = "text/html",
    min_words: int = MIN_WORDS,
    lang: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> str:
    body = html.encode() if isinstance(html, str) else html
    subject = Page(URL, body, content_type, headers, datetime(2020, 1, 1, tzinfo=UTC))
    settings = ExtractSettings(min_words=min_words, lang=lang)
    return PageExtractor(settings).outcomes([subject]).reasons[0] or "kept"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (article("Council"), "text/html; charset=utf-8", "kept"),
        (article("Council"), "application/xhtml+xml", "kept"),
        (article("Council"), None, "kept"),
        (article("Council"), "application/octet-stream", "kept"),
        (article("Council"), "text/plain", "not_html"),
        (article("Council"), "application/pdf", "not_html"),
        ("%PDF-1.4 <html> <p>", "text/html", "not_html"),
        (b"\x89PNG\r\n\x1a\n<p>", None, "not_html"),
        ('{"a": "text that goes on and on"}', "text/html", "not_html"),
        ("just words and 1 < 2 and no elements", "text/html", "not_html"),
        ('<?xml version="1.0"?><rss><channel><title>x</title></channel></rss>',
         "text/xml", "not_html"),
        ('<?xml version="1.0"?><!DOCTYPE html><html><head><title>x</title></head></html>',
         "text/xml", "empty"),
        (article("Council").encode("utf-16"), None, "kept"),
        ("<!-- " + "x" * 20_000 + "-->" + article("Council"), "text/html", "kept"),
        ("", "text/html", "empty"),
        ("  \n", "text/html", "empty"),
        (page("Nothing here", ""), "text/html", "empty"),
        (article("A note", sentences=2), "text/html", "too_short"),
    ],
)  # fmt: skip
def test_what_a_page_is(body: str | bytes, content_type: str | None, expected: str) -> None:
    assert outcome(body, content_type) == expected


WALLS = [
    page("Just a moment...", '<div id="cf-wrapper"><h1>Checking your browser</h1></div>'),
    page("Attention Required! | Cloudflare", "<p>You have been blocked.</p>"),
    page("Access Denied", "<p>You don't have permission to access this on this server.</p>"),
    page("Robot Check", "<p>Enter the characters you see below</p>"),
    page("example.org", "<noscript>Please enable JavaScript to view this page.</noscript>"),
    page("App", "<noscript>You need to enable JavaScript to run this app.</noscript><div></div>"),
    page("App", "<article><h1>Weather</h1><p>Loading the weather of your town, one moment.</p>"
         "</article><noscript>You need to enable JavaScript to run this app.</noscript>"),
    page("Shop", "<p>We detected unusual activity from your computer network. To continue, "
         "please click the box below to let us know you're not a robot.</p>"),
    page("x", "<p>Please complete the security check to access the site. "
         "Why do I have to complete a CAPTCHA?</p>"),
]  # fmt: skip
ERRORS = [
    page(
        "404 Not Found",
        "<h1>Not Found</h1><p>The requested URL /a was not found on this server.",
    ),
    page("Page not found - The Daily", "<p>We looked everywhere.</p>"),
    page("Oops! That page can't be found.", "<p>Try a search?</p>"),
    page("Seite nicht gefunden", "<p>Leider gibt es hier nichts.</p>"),
    page("The Daily", "<p>Sorry, the page you are looking for could not be found.</p>"),
    page("The Daily", "<p>The article you requested couldn't be found.</p>"),
    page("The Daily", "<p>The file you tried to access no longer exists.</p>"),
    page("The Daily", "<p>We can't find the page.</p><p>This page isn't available.</p>"),
    page("example.org is for sale", "<p>Make an offer today.</p>"),
    page("example.org", "<p>This domain may be for sale. Related searches: cars, loans</p>"),
    page("Log in", "<form><input name=user></form>"),
    page("Forum", "<p>You must be logged in to view this topic.</p>"),
    page("Blog", "<h1>Error establishing a database connection</h1>"),
    page("Account Suspended", "<p>Contact your hosting provider.</p>"),
    page("ページが見つかりません", "<p>お探しのページは移動または削除された可能性があります。</p>"),
]  # fmt: skip


@pytest.mark.parametrize("html", WALLS)
def test_bot_walls(html: str) -> None:
    assert outcome(html) == "bot_wall"
    # Not because they are short.
    assert outcome(html, min_words=0) == "bot_wall"


@pytest.mark.parametrize("html", ERRORS)
def test_error_pages(html: str) -> None:
    assert outcome(html) == "soft_error"
    assert outcome(html, min_words=0) == "soft_error"


def test_what_an_extractor_leaves_out_is_looked_at() -> None:
    """The rules fall back to a page's whole text; another extractor may give none."""
    nothing = of_rows([Found(None, title="App")])
    for extra, expected in (
        ("<noscript>You need to enable JavaScript to run this app.</noscript>", "bot_wall"),
        ("<dialog>Error 404</dialog>", "soft_error"),
        ("<script>'You need to enable JavaScript to run this app.'</script>", "empty"),
        ("<!-- error 404 -->", "empty"),
        # A page that shows much is no wall, even where nothing came of it.
        ("<i>Error 404</i>" + " ".join(SENTENCES), "empty"),
    ):
        subject = Page(URL, page("App", extra).encode(), "text/html")
        assert rules.judge([subject], nothing, 50, None)[1] == [expected]


def test_a_challenge_by_header() -> None:
    headers = (("Server", "cloudflare"), ("CF-Mitigated", "challenge"))
    assert outcome(page("x", "<p>Some words.</p>"), headers=headers) == "bot_wall"


@pytest.mark.parametrize(
    "title",
    ["Access Denied", "404", "Page not found", "Just a moment...", "Log in", "Robot check",
     "My house is for sale", "Under construction"],
)  # fmt: skip
def test_long_articles_with_such_titles_stay(title: str) -> None:
    assert outcome(article(title)) == "kept"


@pytest.mark.parametrize(
    "phrase",
    [
        "He saw the words: please enable JavaScript in your browser to continue.",
        "“Access denied. You don't have permission to access this page on this server.”",
        "The page you are looking for could not be found, it said: error 404 not found.",
        "You must be logged in to view this, and the internal server error is a known one.",
        "Complete the CAPTCHA to show that I'm not a robot, said the robot.",
    ],
)
def test_long_articles_that_mention_walls_stay(phrase: str) -> None:
    assert outcome(article("How the web breaks", phrase)) == "kept"


@pytest.mark.parametrize(
    "note",
    [
        "My server answers error 404 not found for one file, though it is there.",
        "Twitter is for sale, people familiar with the matter said.",
        "How do I turn off the message “log in to continue” in my app?",
    ],
)
def test_short_notes_about_errors_stay(note: str) -> None:
    # 50 words and more is enough to be judged as a text.
    assert outcome(article("A question", note, sentences=3)) == "kept"


def test_short_true_texts_are_short_not_walls() -> None:
    frost = "It was the coldest night of the year in the valley."
    note = f"<article><h1>Frost</h1><p>{frost}</p></article>"
    menu = "<nav>" + "<a href=/x>Log in</a> <a href=/y>Sign up</a> " * 5 + "</nav>"
    assert outcome(page("Frost in the valley", menu + note)) == "too_short"
    assert outcome(page("Frost in the valley", menu + note), min_words=5) == "kept"


def test_min_words_and_language() -> None:
    html = article("Council", sentences=6)
    subject = Page(URL, html.encode(), "text/html")
    words = PageExtractor().outcomes([subject]).kept["words"][0].as_py()
    assert words == sum(map(rules.count_words, [*SENTENCES[:6], "Council"]))
    assert outcome(html, min_words=words) == "kept"
    assert outcome(html, min_words=words + 1) == "too_short"
    assert outcome(html, lang="en") == "kept"
    assert outcome(html, lang="de") == "language"


def test_words_of_scripts_without_spaces() -> None:
    assert rules.count_words("It's 3.14, né?") == 5
    assert rules.count_words("東京タワーはとても高い") == 11
    assert rules.count_words("") == 0
    japanese = (
        "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
        "何でも薄暗いじめじめした所で泣いていた事だけは記憶している。"
    )
    assert outcome(page("猫", f"<article><p>{japanese}</p></article>")) == "kept"


def test_every_reason_is_explained_and_every_phrase_has_a_source() -> None:
    for reason in (rules.BOT_WALL, rules.SOFT_ERROR):
        assert reason in rules.REASONS
    phrases = rules._phrases()
    assert list(phrases) == ["bot_wall", "soft_error"]
    assert all(where["title"] and where["text"] for where in phrases.values())
