"""Pages to documents, in a sandbox: the one entrance for stages.

`extract_pages` gives one outcome for each page, in order. The work itself is `extract_page`, which
the sandbox's child runs; nothing of it is imported here, so that a command that extracts nothing
starts fast.
"""

import atexit
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from webtext_py.defaults import MIN_WORDS
from webtext_py.errors import ConfigError, WebTextError
from webtext_py.text.page import (
    CONTROL_PAGE,
    Document,
    Dropped,
    Extractor,
    Page,
    decode_outcome,
    encode_page,
)
from webtext_py.text.rules import TOO_LARGE
from webtext_py.text.sandbox import FAILURES, Failure, Limits, Sandbox

__all__ = [
    "Document",
    "Dropped",
    "ExtractSettings",
    "Extractor",
    "Page",
    "PageExtractor",
    "close_sandbox",
    "extract_pages",
]

# From so many pages on failures are looked at before the last page. Our choice.
_EARLY = 50

EXTRACTORS = {"trafilatura": "webtext_py.text.main_text:TrafilaturaExtractor"}


@dataclass(frozen=True, slots=True)
class ExtractSettings:
    """What extraction depends on; all of it belongs into a stage's configuration.

    `min_words`: documents with fewer are dropped (see `defaults.MIN_WORDS`).
    `lang`: ISO 639-1 code to keep, None for all.
    `cpu_seconds`: for each page, 400 times what the average page takes; a page that needs more
    costs twice that, as it is tried again.
    `memory_bytes`: growth of the child's address space; a page of `max_html_bytes` of nested
    elements needs about 600 MB.
    `max_html_bytes`: larger bodies are dropped; trafilatura's own bound is 20 MB.
    `extractor`: `trafilatura`, or `module:class` of another `Extractor`.
    """

    min_words: int = MIN_WORDS
    lang: str | None = None
    cpu_seconds: float = 10.0
    memory_bytes: int = 1 << 30
    max_html_bytes: int = 20_000_000
    extractor: str = "trafilatura"

    def __post_init__(self) -> None:
        if self.min_words < 0:
            raise ConfigError(f"`--min-words` is {self.min_words}, expected 0 or more")
        if self.cpu_seconds <= 0 or self.memory_bytes <= 0 or self.max_html_bytes <= 0:
            raise ConfigError("the limits of extraction must be above 0")
        if self.extractor not in EXTRACTORS and ":" not in self.extractor:
            raise ConfigError(
                f"no extractor is called `{self.extractor}`",
                hint=f"known: {', '.join(EXTRACTORS)}; or give `module:class`",
            )

    @property
    def target(self) -> str:
        """`module:class` of the extractor."""
        return EXTRACTORS.get(self.extractor, self.extractor)


class PageExtractor:
    """A sandbox that turns pages into documents; keep one for a worker's lifetime.

    Starting it imports trafilatura in its child (about a second); use as a context manager.
    Belongs to one thread.
    """

    def __init__(self, settings: ExtractSettings | None = None) -> None:
        self.settings = settings or ExtractSettings()
        self._sandbox = Sandbox(
            "webtext_py.text.page_task:make",
            msgspec.json.encode(
                {
                    "target": self.settings.target,
                    "min_words": self.settings.min_words,
                    "lang": self.settings.lang,
                }
            ),
            Limits(
                cpu_seconds=self.settings.cpu_seconds,
                memory_bytes=self.settings.memory_bytes,
                wall_seconds=60 + 30 * self.settings.cpu_seconds,
            ),
        )

    def __enter__(self) -> "PageExtractor":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child processes."""
        self._sandbox.close()

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds that extraction has used so far in the child."""
        return self._sandbox.cpu_seconds

    def check(self, failed: int, pages: int) -> None:
        """Tries a page of our own where more than half of the others failed.

        Raises `WebTextError` where that fails too: then it is no property of the pages.
        """
        if 2 * failed <= pages:
            return
        answer = self._sandbox.run(encode_page(Page("https://example.org/", CONTROL_PAGE)))
        if isinstance(answer, Failure):
            raise WebTextError(
                f"extraction failed on {failed} of {pages} pages and on a page of webtext's own "
                f"({answer.reason}: {answer.detail}): the machine's limits or the extractor "
                f"`{self.settings.extractor}` are at fault; nothing was kept"
            )

    def extract(self, page: Page) -> Document | Dropped:
        """Document of `page`, or why there is none. Never raises for what a page holds."""
        size = len(page.body)
        if size > self.settings.max_html_bytes:
            return Dropped(TOO_LARGE, f"{size} bytes")
        answer = self._sandbox.run(encode_page(page))
        if isinstance(answer, Failure):
            return Dropped(answer.reason, answer.detail)
        return decode_outcome(answer)


def extract_pages(
    pages: Iterable[Page], settings: ExtractSettings | None = None
) -> Iterator[Document | Dropped]:
    """One outcome for each of `pages`, in their order.

    The sandbox stays for the next call of this thread with the same settings, as starting one
    takes as long as sixty pages; `close_sandbox` ends it, as does the end of the process.
    Raises `WebTextError` where more than half of the pages failed in it and one of our own does.
    """
    extractor = _kept(settings or ExtractSettings())
    failed = count = 0
    checked = _EARLY
    for page in pages:
        outcome = extractor.extract(page)
        yield outcome
        count += 1
        failed += isinstance(outcome, Dropped) and outcome.reason in FAILURES
        if count == checked:
            extractor.check(failed, count)
            checked *= 2
    extractor.check(failed, count)


class _Kept(threading.local):
    """The extractor that `extract_pages` of this thread uses."""

    extractor: PageExtractor | None = None
    owner: int = 0


_KEPT = _Kept()
# Of the process that this one was forked from: they are not ours to end, so they stay untouched.
_INHERITED: list[PageExtractor] = []


def _kept(settings: ExtractSettings) -> PageExtractor:
    extractor = _KEPT.extractor
    if extractor is not None and (_KEPT.owner != os.getpid() or extractor.settings != settings):
        close_sandbox()
        extractor = None
    if extractor is None:
        extractor = PageExtractor(settings)
        _KEPT.extractor, _KEPT.owner = extractor, os.getpid()
    return extractor


@atexit.register
def close_sandbox() -> None:
    """End the sandbox that `extract_pages` keeps for this thread, if there is one."""
    extractor, _KEPT.extractor = _KEPT.extractor, None
    if extractor is None:
        return
    if _KEPT.owner == os.getpid():
        extractor.close()
    else:
        _INHERITED.append(extractor)
