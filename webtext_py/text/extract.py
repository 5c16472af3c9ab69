"""Pages to documents, in batches: the one entrance for stages.

The core's engines run here, in this process: their work is counted, so a page is `too_costly` on
every machine or on none, and a panic costs its page. Foreign Python (trafilatura, `MODULE:CLASS`)
runs in a sandbox. Should a process die in the core all the same, its task finds the mark that it
left and runs page by page in the sandbox, where only the guilty page is a `crash`.
"""

import atexit
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from webtext_py import _core
from webtext_py.defaults import EXTRACTOR, MIN_WORDS
from webtext_py.errors import ConfigError, WebTextError
from webtext_py.text.page import AS_TEXT, CONTROL_PAGE, Document, Found, Page
from webtext_py.text.sandbox import FAILURES, Failure, Limits, Sandbox

if TYPE_CHECKING:
    import pyarrow as pa

CORE = dict(_core.extractors())
EXTRACTORS = {"trafilatura": "webtext_py.text.main_text:TrafilaturaExtractor"}

# From so many pages on failures are looked at before the last page. Our choice.
_EARLY = 50

# For pages that the core has killed a process with: what it counts bounds them, not the clock.
_UNBOUNDED = Limits(cpu_seconds=3600.0, memory_bytes=1 << 36, wall_seconds=7200.0)
_ENCODER = msgspec.msgpack.Encoder()
_FOUND = msgspec.msgpack.Decoder(Found)


@dataclass(frozen=True, slots=True)
class ExtractSettings:
    """What extraction depends on; all of it belongs into a stage's configuration.

    `extractor`: an engine of the core (`webtext`, `rules`), `trafilatura`, or `module:class` of
    another `page.Extractor`. `min_words`: documents with fewer are dropped.
    `lang`: ISO 639-1 code to keep, None for all. `max_html_bytes`: larger bodies are dropped;
    trafilatura's own bound is 20 MB. For foreign Python alone: `cpu_seconds` a page, 400 times what
    trafilatura's average page takes, and twice that for a page that needs more, as it is tried
    again; `memory_bytes` of growth of the child's address space.
    """

    extractor: str = EXTRACTOR
    min_words: int = MIN_WORDS
    lang: str | None = None
    max_html_bytes: int = 20_000_000
    cpu_seconds: float = 10.0
    memory_bytes: int = 1 << 30

    def __post_init__(self) -> None:
        """Raises `ConfigError` for settings that make no sense."""
        if self.min_words < 0:
            raise ConfigError(f"`--min-words` is {self.min_words}, expected 0 or more")
        if self.cpu_seconds <= 0 or self.memory_bytes <= 0 or self.max_html_bytes <= 0:
            raise ConfigError("the limits of extraction must be above 0")
        known = [*CORE, *EXTRACTORS]
        if self.extractor not in known and ":" not in self.extractor:
            raise ConfigError(
                f"no extractor is called `{self.extractor}`",
                hint=f"known: {', '.join(known)}; or give `module:class`",
            )
        if self.lang is not None and self.lang not in _core.language_codes():
            raise ConfigError(
                f"`--lang {self.lang}`: no language that is told apart has this code",
                hint=f"known: {' '.join(sorted(_core.language_codes()))}",
            )

    @property
    def in_core(self) -> bool:
        """Whether the extractor is an engine of the core."""
        return self.extractor in CORE

    @property
    def target(self) -> str:
        """The engine's name, or `module:class` of the extractor."""
        return EXTRACTORS.get(self.extractor, self.extractor)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Libraries whose versions decide a text."""
        return ("trafilatura", "lxml") if self.extractor == "trafilatura" else ()

    @property
    def named(self) -> str:
        """The extractor with the version of its rules, as far as it is known here."""
        if self.in_core:
            return f"{self.extractor} {CORE[self.extractor]}"
        return " ".join([self.extractor, *map(version, self.libraries[:1])])


@dataclass(frozen=True)
class Outcomes:
    """What became of pages: `reasons` by page, None where it is kept; `kept` the documents of
    those, in order (text, title, language, published, extractor, charset, words)."""

    reasons: list[str | None]
    kept: "pa.Table"


class PageExtractor:
    """Turns pages into documents; a context manager. Belongs to one thread.

    `mark`: a file that stands while a task is at work. One that stood there before shows that the
    task has killed a process, and pages are worked on one by one in a child.
    """

    def __init__(self, settings: ExtractSettings | None = None, mark: Path | None = None) -> None:
        self.settings = settings or ExtractSettings()
        self._mark = mark
        self._pages = self._failed = 0
        self._looked = _EARLY
        self._careful = mark is not None and mark.exists()
        if mark is not None:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()

    def __enter__(self) -> "PageExtractor":
        return self

    def __exit__(self, error: object, *_: object) -> None:
        if self._mark is not None:
            self._mark.unlink(missing_ok=True)
        if error is None:
            self._check()

    def _check(self) -> None:
        """Tries a page of our own where more than half of the others failed in the sandbox.

        Raises `WebTextError` where that fails too: then it is no property of the pages.
        """
        if 2 * self._failed <= self._pages:
            return
        answer = _sandbox(self.settings).run(_ENCODER.encode(Page("", CONTROL_PAGE)))
        if isinstance(answer, Failure):
            raise WebTextError(
                f"extraction failed on {self._failed} of {self._pages} pages and on a page of "
                f"webtext's own ({answer.reason}: {answer.detail}): the machine's limits or the "
                f"extractor `{self.settings.extractor}` are at fault; nothing was kept"
            )

    def outcomes(self, pages: Sequence[Page]) -> Outcomes:
        """What becomes of `pages`. Never raises for what a page holds."""
        import pyarrow as pa

        from webtext_py.text import found, rules

        settings = self.settings
        reasons = [rules.no_page(page, settings.max_html_bytes) for page in pages]
        sent = [page for page, reason in zip(pages, reasons, strict=True) if reason is None]
        if settings.in_core and not self._careful:
            batch = found.by_core(settings.extractor, settings.named, sent)
        else:
            batch = found.of_rows([self._sandboxed(page) for page in sent])
        words, verdicts = rules.judge(sent, batch, settings.min_words, settings.lang)
        verdict = iter(verdicts)
        reasons = [next(verdict) if reason is None else reason for reason in reasons]
        kept = pa.Table.from_batches([batch.drop_columns(["problem"])])
        kept = kept.append_column("words", pa.array(words, pa.int64()))
        return Outcomes(reasons, kept.filter(pa.array([v is None for v in verdicts], pa.bool_())))

    def _sandboxed(self, page: Page) -> Found:
        answer = _sandbox(self.settings).run(_ENCODER.encode(page))
        self._pages += 1
        self._failed += isinstance(answer, Failure) and answer.reason in FAILURES
        if self._pages == self._looked:
            self._looked *= 2
            self._check()
        if not isinstance(answer, Failure):
            return _FOUND.decode(answer)
        return Found("crash" if self.settings.in_core else answer.reason)


def extract(html: str | bytes, url: str | None = None) -> Document:
    """Main text of one page, with title, language and day of publication.

    `html` as bytes is decoded by its byte order mark, its own declaration, or by detection; text is
    taken as it is. Nothing is judged: a page without main text gives an empty one. Raises
    `WebTextError` for a page that needs more work than is allowed.
    """
    from webtext_py.text.page_task import by_core

    body, kind = (html, None) if isinstance(html, bytes) else (_utf8(html), AS_TEXT)
    found = by_core(EXTRACTOR, Page(url or "", body, kind))
    if found.problem is not None:
        raise WebTextError(f"the page gives no text: {found.problem}")
    return Document(
        found.title, found.text, found.language, found.published, found.extractor, found.charset
    )


def _utf8(text: str) -> bytes:
    # What is no text in UTF-8, lone surrogates, becomes `?`; a mark is not taken for an order.
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


class _Kept(threading.local):
    """The sandbox that this thread uses."""

    sandbox: Sandbox | None = None
    settings: ExtractSettings | None = None
    owner: int = 0


_KEPT = _Kept()
# Of the process that this one was forked from: they are not ours to end, so they stay untouched.
_INHERITED: list[Sandbox] = []


def _sandbox(settings: ExtractSettings) -> Sandbox:
    """The sandbox of these settings; it stays for the thread's next call, as starting one takes as
    long as sixty pages."""
    if _KEPT.sandbox is not None and (_KEPT.owner != os.getpid() or _KEPT.settings != settings):
        close_sandbox()
    if _KEPT.sandbox is None:
        seconds, memory = settings.cpu_seconds, settings.memory_bytes
        limits = Limits(cpu_seconds=seconds, memory_bytes=memory, wall_seconds=60 + 30 * seconds)
        limits = _UNBOUNDED if settings.in_core else limits
        target = "webtext_py.text.page_task:make"
        _KEPT.sandbox = Sandbox(target, settings.target.encode(), limits)
        _KEPT.settings, _KEPT.owner = settings, os.getpid()
    return _KEPT.sandbox


@atexit.register
def close_sandbox() -> None:
    """End the sandbox that this thread keeps, if there is one."""
    sandbox, _KEPT.sandbox = _KEPT.sandbox, None
    if sandbox is None:
        return
    if _KEPT.owner == os.getpid():
        sandbox.close()
    else:
        _INHERITED.append(sandbox)
