"""What is made of one page: by an engine of the core, or by a Python extractor.

The sandbox's children run this; nothing here imports Arrow, whose threads a process that forks
must not have.
"""

import importlib
from datetime import UTC, date, timedelta

import msgspec

from webtext_py import _core
from webtext_py.text.page import CONTROL_PAGE, Extractor, Found, Page
from webtext_py.text.zygote import PageFunction

# How the core writes a time or a day that is none, and its outcomes by number.
NO_TIME = -(1 << 63)
NO_DAY = -(1 << 31)
PROBLEMS = (None, "too_costly", "crash")

_EPOCH = date(1970, 1, 1)
_PAGE = msgspec.msgpack.Decoder(Page)
_ENCODER = msgspec.msgpack.Encoder()


def make(target: bytes) -> PageFunction:
    """The page function of an engine of the core, or of `module:class`, with all of it loaded."""
    name = target.decode()
    module, colon, cls = name.partition(":")
    extractor: Extractor | None = getattr(importlib.import_module(module), cls)() if colon else None

    def found(page: Page) -> Found:
        return by_core(name, page) if extractor is None else by_extractor(extractor, page)

    found(Page("https://example.org/", CONTROL_PAGE))
    return lambda payload: _ENCODER.encode(found(_PAGE.decode(payload)))


def by_core(engine: str, page: Page) -> Found:
    """What an engine of the core finds in a page."""
    outcomes, days, texts = _core.extract_documents(engine, [response(page)])
    problem = PROBLEMS[memoryview(outcomes)[0]]
    if problem is not None:
        return Found(problem)
    day = memoryview(days).cast("i")[0]
    text, title, language, charset = (bytes(memoryview(data)).decode() for _, data in texts)
    published = None if day == NO_DAY else _EPOCH + timedelta(day)
    name = f"{engine} {dict(_core.extractors())[engine]}"
    return Found(None, text, title or None, language, published, name, charset)


def by_extractor(extractor: Extractor, page: Page) -> Found:
    """What a Python extractor finds in a page; the core gives what is around the text."""
    html, charset = _core.decode_page(page.body, page.content_type)
    text = extractor.main_text(html, page.url or None)
    known = seconds(page)
    try:
        title, language, published = _core.page_facts(
            html, text, page.url or None, None if known == NO_TIME else known
        )
    except ValueError:
        return Found("too_costly")
    day = date.fromisoformat(published) if published else None
    return Found(None, text, title, language, day, extractor.name, charset)


def seconds(page: Page) -> int:
    """When a page was fetched, since 1970; a naive time is UTC."""
    when = page.fetched_at
    if when is None:
        return NO_TIME
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def response(page: Page) -> tuple[bytes, bytes, bytes, int]:
    """A page as the core takes it."""
    # A lone surrogate, which no UTF-8 holds, is no reason to lose a page.
    kind, url = ((text or "").encode("utf-8", "replace") for text in (page.content_type, page.url))
    return page.body, kind, url, seconds(page)
