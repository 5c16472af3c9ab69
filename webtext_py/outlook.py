"""What a build will make, before it is made: tasks, files, bytes and memory, stage by stage.

Tasks and files follow from the inputs and the limits. How many links, pages and documents there are
is known only when they are read: they are guessed from the bytes of the inputs, and so are bytes
and memory. Guesses are within a factor of two or three of WebText; another corpus may differ more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from webtext_py.config import bytes_of
from webtext_py.pages.cut import size_for
from webtext_py.stages.bundles import bundles
from webtext_py.stages.dedup.search import PART_BYTES
from webtext_py.workspace import MOST_FILES

# Bytes of input for one, where it is compressed as usual. Our guesses: a submission of a dump, a
# link of a table, a capture of an archive; how many submissions give a link that is kept.
_SUBMISSION, _LINK, _CAPTURE = 110, 100, 25_000
_SUBMISSIONS_A_LINK = 9
_ROUNDS = 3  # of redirects that are followed: few lead further
_DOCUMENT = 5_000  # bytes of text: WebText's 40 GB in 8 million
_LINKS_A_PAGE, _PAGES_A_DOCUMENT = 4, 1.3  # WebText: 8 million documents of 45 million links
_EMPTY = 2_500  # bytes of a table without rows
_PROCESS = 150 << 20  # Python, Arrow and the core


@dataclass(frozen=True)
class Outlook:
    """A stage: tasks, files that stay, their bytes, and memory of its largest task in bytes."""

    tasks: int
    files: int
    bytes: int
    memory: int


@dataclass(frozen=True)
class Given:
    """What a build is given."""

    link_files: Sequence[Path]
    dumps: bool  # not a table of links
    containers: Sequence[Path]
    articles: Sequence[Path]
    partitions: int
    shard_bytes: int
    memory: int  # for the articles' index


def outlooks(given: Given) -> dict[str, Outlook]:
    """The stages of a build, but those that ask the network."""
    count = given.partitions
    submissions = bytes_of(given.link_files) // (_SUBMISSION if given.dumps else _LINK)
    links = submissions // _SUBMISSIONS_A_LINK if given.dumps else submissions  # that are kept
    captures = bytes_of(given.containers) // _CAPTURE
    pages = links // _LINKS_A_PAGE  # links with a good capture
    pages = min(pages, captures) if given.containers else pages
    documents = int(pages / _PAGES_A_DOCUMENT)
    read = len(given.link_files)
    scans = len(given.containers)
    pieces = max(1, scans, -(-pages // size_for(pages)))
    bundle = len(bundles(pieces, count))
    signed = min(pieces, MOST_FILES)
    searched = max(1, min(count, MOST_FILES, documents * 2_000 // PART_BYTES))
    shards = 2 + documents * _DOCUMENT // given.shard_bytes
    articles = len(given.articles)
    by_content = articles + min(articles, MOST_FILES) + 2 * bundle + 3 if articles else 0
    linking = read + _joins(read) + _joins(count) + 2 * count + 1
    removed = 2 * searched
    deduping = 2 * signed + 4 * searched + 1 + 2 * (removed + _joins(removed)) + bundle
    paging = scans + _joins(scans) + (2 + _ROUNDS) * _joins(count) + (7 + _ROUNDS) * count + 1
    return {
        "links": _outlook(linking, 2 * count + 2, links * 120, submissions // count * 500),
        "pages": _outlook(paging, 3 * count, captures * 150 + pages * 150,
                          captures // count * 1_500),
        "extract": _outlook(count + pieces, 2 * pieces, documents * _DOCUMENT // 2,
                            size_for(pages) * 40_000),
        "dedup": _outlook(deduping, 2 * bundle, documents * 10,
                          documents // searched * 1_200),
        "wikipedia": _outlook(bundle + by_content, bundle * (2 if articles else 1), documents,
                              given.memory if articles else 0),
        "shard": _outlook(2 * bundle + _joins(bundle) + shards + 1, 2 * shards + 3,
                          documents * _DOCUMENT // 2,
                          2 * min(given.shard_bytes, documents * _DOCUMENT)),
    }  # fmt: skip


def _outlook(tasks: int, files: int, size: int, memory: int) -> Outlook:
    return Outlook(tasks, files, size + _EMPTY * files, _PROCESS + memory)


def _joins(files: int) -> int:
    """Tasks that join files of a shuffle, where there are too many."""
    return MOST_FILES if files > MOST_FILES else 0
