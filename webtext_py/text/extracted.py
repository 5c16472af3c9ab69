"""Pages in the order of their reading to documents and ends, for the tasks of extraction."""

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa

from webtext_py.ahead import Ahead
from webtext_py.bundled import bundled
from webtext_py.text.extract import ExtractSettings, PageExtractor
from webtext_py.text.page import Page

# What one call of the core takes (our choice): the next batch is read meanwhile. No result depends
# on them.
BATCH_PAGES, BATCH_BYTES = 128, 16 << 20

Key = TypeVar("Key")


class Extracted(NamedTuple, Generic[Key]):
    """A batch: the keys of the documents, these in order, and the other keys with the reason."""

    keys: list[Key]
    documents: pa.Table
    ends: list[tuple[Key, str]]


def extracted(
    pages: Iterable[tuple[Key, Page | str]], settings: ExtractSettings, mark: Path
) -> Generator[Extracted[Key], None, None]:
    """What becomes of pages, each with a key, or with why there is none; `mark` as for
    `PageExtractor`. To be closed."""
    batches = bundled(pages, _size, BATCH_BYTES, BATCH_PAGES)
    with PageExtractor(settings, mark) as extractor, closing(Ahead(batches)) as made:
        for batch in made:
            read = [(key, page) for key, page in batch if isinstance(page, Page)]
            found = extractor.outcomes([page for _, page in read])
            ends = [(key, why) for key, why in batch if isinstance(why, str)]
            judged = [(key, why) for (key, _), why in zip(read, found.reasons, strict=True)]
            ends += [(key, why) for key, why in judged if why is not None]
            yield Extracted([key for key, why in judged if why is None], found.kept, ends)


def _size(item: tuple[Key, Page | str]) -> int:
    page = item[1]
    return len(page.body) if isinstance(page, Page) else 0
