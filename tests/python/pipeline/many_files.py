"""A build from many small files, and `dedup` of as many texts, in a process of its own, with small
limits.

Arguments: folder, number of files of pages (and of articles, and of texts), partitions, and how
many files a task of a merge may read. Prints how many tasks it ran and how many bytes they wrote.
"""

import json
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import workspace
from webtext_py.config import BuildConfig
from webtext_py.dedup import DedupConfig, run_dedup
from webtext_py.engine import Done, Listener, LocalEngine
from webtext_py.engine.task import Job
from webtext_py.pipeline import Build, Sources
from webtext_py.stages import bundles
from webtext_py.stages.dedup import search
from webtext_py.stages.wikipedia import stage

PAGES = 2  # in a file


def make(folder: Path, files: int) -> None:
    """A table of links and folders of files: pages, some of them copies of one another; articles,
    of which every fourth page is one; texts with ids that others have, too."""
    words = [f"word{n}" for n in range(2000)]
    choose = random.Random(1)
    pages = folder / "pages"
    for name in (pages, folder / "articles", folder / "texts"):
        name.mkdir(parents=True)
    links = []
    for number in range(files):
        rows = []
        for page in range(PAGES):
            url = f"http://site{number}.test/{page}"
            of = number - 1 if page == 0 and number % 3 == 2 else number
            text_seed = of * PAGES + page
            text = " ".join(random.Random(text_seed).choices(words, k=300))
            rows.append({"url": url, "html": f"<html><body><p>{text}</p></body></html>"})
            links.append({"url": url, "karma": choose.randint(3, 90), "created_utc": 1_400_000_000})
        pq.write_table(pa.Table.from_pylist(rows), pages / f"{number:05d}.parquet")
        article = {"title": f"title {number}", "text": text if number % 4 == 0 else f"{number}"}
        (folder / "articles" / f"{number:05d}.jsonl").write_text(json.dumps(article) + "\n")
        texts = pa.table({"id": ["a", f"{number}"], "text": [text, f"{text} {number}"]})
        pq.write_table(texts, folder / "texts" / f"{number:05d}.parquet")
    pq.write_table(pa.Table.from_pylist(links), folder / "links.parquet")


class Counting(LocalEngine):
    """An engine of one worker that counts tasks and the bytes that they wrote."""

    def __init__(self) -> None:
        super().__init__(1)
        self.counts = {"tasks": 0, "bytes": 0}

    def run(self, jobs: Iterable[Job], listener: Listener) -> Iterator[Done]:
        for done in super().run(jobs, listener):
            self.counts["tasks"] += 1
            self.counts["bytes"] += sum(facts["bytes"] for facts in done.outputs.values())
            yield done


def main() -> None:
    """Builds."""
    folder, (files, partitions, most) = Path(sys.argv[1]), map(int, sys.argv[2:])
    workspace.MOST_FILES = search.MOST_FILES = stage.MOST_FILES = most
    bundles.MOST_PARTS = 1
    given = folder / "in"
    make(given, files)
    sources = Sources(
        links=given / "links.parquet",
        pages=(str(given / "pages"),),
        wikipedia=(str(given / "articles"),),
    )
    config = BuildConfig(extractor="rules", min_words=20, partitions=partitions)
    engine = Counting()
    Build(folder / "data", sources, config).run(engine)
    config = DedupConfig(near_dup=None, partitions=partitions)
    run_dedup([given / "texts"], folder / "texts", config, engine=engine)
    print(json.dumps(engine.counts))


if __name__ == "__main__":
    main()
