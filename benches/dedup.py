"""Near-duplicates: recall and precision against all pairs; speed beside two peers; scale.

    python benches/dedup.py CORPUS [--scale 250000 500000] [--out benches/record/dedup.json]

CORPUS is a folder of Parquet files with `text` (and `id`). `pairs`: a seeded sample of documents in
blocks of neighbours, every pair's Jaccard similarity computed. `speed`: the same documents through
this package, datasketch and rensa (MinHash and LSH), with the same words and threshold, in
a process each; CPU seconds, medians. `scale`: documents made of sentences of the corpus, a tenth of
them planted near copies at known similarity.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import minhash, words
from webtext_py.dedup import DedupConfig, run_dedup
from webtext_py.engine import ThreadEngine
from webtext_py.engine.commit import peak_memory_bytes
from webtext_py.observer import Observer

THRESHOLD = 0.8
WORKERS = 2
SAMPLE, BLOCK = 6000, 200


def sample(corpus: Path, seed: int) -> pa.Table:
    """Blocks of neighbouring documents from the whole corpus: near-duplicates stand near."""
    parts = [pq.read_table(path, columns=["text"]) for path in sorted(corpus.glob("*.parquet"))]
    table = pa.concat_tables(parts)
    blocks = random.Random(seed).sample(range(table.num_rows // BLOCK), SAMPLE // BLOCK)
    rows = np.concatenate([np.arange(b * BLOCK, (b + 1) * BLOCK) for b in sorted(blocks)])
    picked = table.take(pa.array(rows))
    return picked.append_column("id", pa.array([str(row) for row in rows]))


def all_pairs(texts: pa.ChunkedArray, least: float) -> dict[tuple[int, int], float]:
    """Every pair of at least that similarity, by counting shared shingles."""
    from scipy.sparse import csr_matrix

    sets = minhash.shingle_sets(texts)
    sizes = np.array([len(found) for found in sets])
    _, columns = np.unique(np.concatenate(sets), return_inverse=True)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    matrix = csr_matrix((np.ones(len(columns), np.int32), columns.reshape(-1), bounds))
    both = (matrix @ matrix.T).tocoo()
    keep = both.row < both.col
    row, col, shared = both.row[keep], both.col[keep], both.data[keep]
    similar = shared / (sizes[row] + sizes[col] - shared)
    chosen = similar >= least
    return {
        (int(i), int(j)): float(s)
        for i, j, s in zip(row[chosen], col[chosen], similar[chosen], strict=True)
    }


def check_pairs(corpus: Path, work: Path) -> dict[str, Any]:
    """Recall and precision on the sample."""
    seed = next(s for s in range(100) if len(all_pairs(sample(corpus, s)["text"], 0.8)) >= 500)
    table = sample(corpus, seed)
    pq.write_table(table, work / "sample.parquet")
    pairs = all_pairs(table["text"], 0.3)
    run_dedup([work / "sample.parquet"], work / "pairs", engine=ThreadEngine(1))
    rows = pa.concat_tables(
        [pq.read_table(path) for path in (work / "pairs" / "duplicates").glob("*")]
    ).to_pylist()
    number = {name: place for place, name in enumerate(table["id"].to_pylist())}
    kept = {number[row["doc_id"]]: number[row["kept_doc_id"]] for row in rows}
    true = [pair for pair, similar in pairs.items() if similar >= THRESHOLD]
    together = sum(kept.get(i, i) == kept.get(j, j) for i, j in true)
    both_stay = sum(i not in kept and j not in kept for i, j in true)
    wrong = 0
    for row in rows:
        pair = tuple(sorted((number[row["doc_id"]], number[row["via_doc_id"]])))
        wrong += pairs.get(pair, 0.0) < THRESHOLD or abs(pairs[pair] - row["jaccard"]) > 1e-12
    return {
        "documents": table.num_rows,
        "seed": seed,
        "pairs_at_threshold": len(true),
        "recall_in_one_cluster": together / len(true),
        "recall_not_both_kept": 1 - both_stay / len(true),
        "removed": len(rows),
        "removed_over_a_pair_below_threshold": wrong,
        "precision_of_edges": 1 - wrong / len(rows),
    }


class Clock(Observer):
    """Knows when the search was done and the kept rows began to be written."""

    def __init__(self) -> None:
        self.started = self.searched = (time.monotonic(), time.process_time())

    def step_started(self, step: str, total: int, unit: str) -> None:
        if step == "write":
            self.searched = (time.monotonic(), time.process_time())


def _ours(path: Path) -> list[float]:
    """Seconds until the duplicates were listed: wall, CPU."""
    out = Path(tempfile.mkdtemp())
    clock = Clock()
    run_dedup([path], out / "out", DedupConfig(), engine=ThreadEngine(WORKERS), observer=clock)
    shutil.rmtree(out)
    return [end - start for start, end in zip(clock.started, clock.searched, strict=True)]


def _shingled(path: Path) -> Iterator[list[str]]:
    """Each text's shingles by the quickest Python: our words, joined whole columns at a time."""
    for batch in pq.ParquetFile(path).iter_batches(1024, columns=["text"]):
        for text in batch["text"].to_pylist():
            found = words.normalize(text).split()
            yield list(map(" ".join, zip(*(found[i:] for i in range(5)), strict=False)))


def _joined(pairs: Iterator[tuple[int, list[int]]]) -> int:
    """How many clusters candidates make, by union-find: nothing is verified."""
    parents: dict[int, int] = {}

    def root(key: int) -> int:
        while parents.setdefault(key, key) != key:
            parents[key] = parents[parents[key]]
            key = parents[key]
        return key

    for key, others in pairs:
        for other in others:
            parents[root(key)] = root(other)
    return len({root(key) for key in list(parents)})


def _datasketch(path: Path) -> None:
    from datasketch import MinHash, MinHashLSH

    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)

    def found() -> Iterator[tuple[int, list[int]]]:
        texts = ([shingle.encode() for shingle in shingles] for shingles in _shingled(path))
        for key, made in enumerate(MinHash.generator(texts, num_perm=128)):
            yield key, lsh.query(made)
            lsh.insert(key, made)

    _joined(found())


def _rensa(path: Path) -> None:
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=THRESHOLD, num_perm=128, num_bands=16)

    def found() -> Iterator[tuple[int, list[int]]]:
        # One at a time: quicker here than its calls for many, which hold all shingles.
        for key, shingles in enumerate(_shingled(path)):
            made = RMinHash(num_perm=128, seed=1)
            made.update(shingles)
            yield key, lsh.query(made)
            lsh.insert(key, made)

    _joined(found())


TOOLS = {"webtext": _ours, "datasketch": _datasketch, "rensa": _rensa}


def child(tool: str, path: Path) -> None:
    """Runs one tool here and prints its seconds: wall, CPU, and both of the search alone.

    Two texts go first, so that imports are not counted.
    """
    with tempfile.NamedTemporaryFile(suffix=".parquet") as two:
        pq.write_table(
            pa.table({"id": ["a", "b"], "text": ["a few words", "other words"]}), two.name
        )
        TOOLS[tool](Path(two.name))
    started, before = time.monotonic(), time.process_time()
    search = TOOLS[tool](path)
    whole = [time.monotonic() - started, time.process_time() - before]
    print(json.dumps([*whole, *(search or whole)]))


def speed(path: Path, runs: int) -> dict[str, Any]:
    """End to end, seconds of each tool, ours with two workers.

    `search` is from reading the texts to the clusters; `whole` also writes the kept rows, which
    only ours does.
    """
    spent: dict[str, list[list[float]]] = {name: [] for name in TOOLS}
    for _ in range(runs):
        for name in TOOLS:
            command = [sys.executable, "-P", __file__, "--child", name, str(path)]
            spent[name].append(json.loads(subprocess.check_output(command)))
    texts = pq.read_table(path, columns=["text"])["text"].combine_chunks()
    found: dict[str, Any] = {
        "documents": len(texts),
        "text_bytes": texts.nbytes,
        "shingles": sum(max(0, int(c) - 4) for c in words.word_counts(texts)),
        "workers": WORKERS,
    }
    for place, kind in enumerate(("whole_wall", "whole_cpu", "search_wall", "search_cpu")):
        seconds = {name: sorted(round(run[place], 4) for run in spent[name]) for name in TOOLS}
        found[f"{kind}_seconds"] = seconds
        ours = statistics.median(seconds["webtext"])
        for peer in ("datasketch", "rensa"):
            found[f"{kind}_over_{peer}"] = round(statistics.median(seconds[peer]) / ours, 2)
    return found


def signature_rate(path: Path) -> dict[str, float]:
    """CPU nanoseconds a shingle; datasketch's from shingles that are ready, ours from text."""
    from datasketch import MinHash

    texts = pq.read_table(path, columns=["text"])["text"].combine_chunks()
    count = sum(max(0, int(c) - 4) for c in words.word_counts(texts))
    rates: dict[str, list[float]] = {"ngram": [], "sha1": [], "datasketch": []}
    ready = [[s.encode() for s in shingles] for shingles in islice(_shingled(path), 600)]
    fewer = sum(map(len, ready))
    for _ in range(3):
        for hash in ("ngram", "sha1"):
            before = time.process_time()
            minhash.signatures(texts, hash=hash)
            rates[hash].append((time.process_time() - before) / count * 1e9)
        before = time.process_time()
        for shingles in ready:
            MinHash(num_perm=128).update_batch(shingles)
        rates["datasketch"].append((time.process_time() - before) / fewer * 1e9)
    return {name: round(statistics.median(values), 2) for name, values in rates.items()}


def make_documents(corpus: Path, path: Path, count: int, seed: int) -> list[tuple[str, str, float]]:
    """Writes documents of about 12 sentences each; a tenth are copies with a few words replaced.

    Returns the planted pairs with their exact similarity.
    """
    draw = random.Random(seed)
    sentences: list[str] = []
    for text in pq.read_table(corpus / "en.parquet", columns=["text"])["text"].to_pylist():
        sentences += [s for s in text.split(". ") if 40 < len(s) < 300]
    planted, pairs = [], []
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    writer = pq.ParquetWriter(path, schema)
    ids: list[str] = []
    texts: list[str] = []
    for number in range(count):
        if number % 10 == 9 and texts:
            source = draw.randrange(len(texts))
            found = texts[source].split()
            for _ in range(draw.randint(1, 4)):
                found[draw.randrange(len(found))] = f"planted{number}"
            text = " ".join(found)
            pairs.append((ids[source], f"d{number}"))
            planted.append((texts[source], text))
        else:
            text = ". ".join(draw.choice(sentences) for _ in range(12))
        ids.append(f"d{number}")
        texts.append(text)
        if len(ids) == 20000 or number + 1 == count:
            writer.write_table(pa.table({"id": ids, "text": texts}, schema))
            ids, texts = [], []
    writer.close()
    similar = []
    for start in range(0, len(planted), 10000):
        part = planted[start : start + 10000]
        left = minhash.shingle_sets([pair[0] for pair in part])
        right = minhash.shingle_sets([pair[1] for pair in part])
        for a, b in zip(left, right, strict=True):
            both = len(np.intersect1d(a, b, assume_unique=True))
            similar.append(both / (len(a) + len(b) - both))
    return [(a, b, s) for (a, b), s in zip(pairs, similar, strict=True)]


def measured_run(path: Path, out: Path) -> dict[str, Any]:
    """A run in this process, which starts no other: seconds, peak memory, and most on disk."""
    most, stop, started = 0, threading.Event(), time.monotonic()

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.5):
            total = 0
            for file in out.rglob("*"):
                with contextlib.suppress(FileNotFoundError):
                    total += file.stat().st_size
            most = max(most, total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        counts = run_dedup([path], out, DedupConfig(), engine=ThreadEngine(WORKERS))
    finally:
        stop.set()
        watcher.join()
    return {
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time(),
        "peak_memory_bytes": peak_memory_bytes(),
        "disk_bytes": most,
        "output_bytes": sum(file.stat().st_size for file in out.rglob("*.parquet")),
        "counts": counts,
    }


def scale(corpus: Path, work: Path, count: int) -> dict[str, Any]:
    """Seconds, memory and disk of one size, and the planted pairs found."""
    path, out = work / f"made-{count}.parquet", work / f"scale-{count}"
    # In a process of its own: Linux counts a parent's memory as the peak of what it starts.
    command = [
        sys.executable,
        "-P",
        __file__,
        "--child",
        "make",
        str(path),
        str(corpus),
        str(count),
    ]
    subprocess.check_call(command)
    pairs = json.loads(path.with_suffix(".json").read_text())
    command = [sys.executable, "-P", __file__, "--child", "run", str(path), str(out)]
    found = json.loads(subprocess.check_output(command))
    rows = pa.concat_tables([pq.read_table(p) for p in (out / "duplicates").glob("*")])
    kept = dict(zip(rows["doc_id"].to_pylist(), rows["kept_doc_id"].to_pylist(), strict=True))
    true = [(a, b) for a, b, similar in pairs if similar >= THRESHOLD]
    together = sum(kept.get(a, a) == kept.get(b, b) for a, b in true)
    found.update(
        documents=count,
        parquet_bytes=path.stat().st_size,
        planted_at_threshold=len(true),
        planted_found=together / len(true),
    )
    shutil.rmtree(out)
    path.unlink()
    return found


def main() -> None:
    """Runs all parts and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument(
        "--scale", type=int, nargs="*", default=[250_000, 500_000, 1_000_000, 2_000_000]
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--parts",
        nargs="*",
        default=["scale", "pairs", "speed", "speed_20000_documents", "signatures"],
    )
    if sys.argv[1:3] == ["--child", "make"]:
        path, corpus, count = Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5])
        path.with_suffix(".json").write_text(json.dumps(make_documents(corpus, path, count, 7)))
        return
    if sys.argv[1:3] == ["--child", "run"]:
        print(json.dumps(measured_run(Path(sys.argv[3]), Path(sys.argv[4]))))
        return
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]))
        return
    options = parser.parse_args()
    record: dict[str, Any] = {
        "command": "python benches/dedup.py " + " ".join(["CORPUS", *sys.argv[2:]]),
        "commit": subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip(),
        "machine": f"AMD EPYC, {os.cpu_count()} cores, Python {platform.python_version()}",
        "peers": {name: version(name) for name in ("datasketch", "rensa")},
    }

    def note(part: str, found: Any) -> None:
        record[part] = found
        print(part, json.dumps(found, indent=1), flush=True)
        if options.out:
            options.out.write_text(json.dumps(record, indent=1) + "\n")

    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        work = Path(folder)
        if "scale" in options.parts:  # first, while this process is small
            found: list[dict[str, Any]] = []
            for count in options.scale:
                found.append(scale(options.corpus, work, count))
                note("scale", found)
        if "pairs" in options.parts:
            note("pairs", check_pairs(options.corpus, work))
        # Row groups of 1,000, as `datasets` writes them, so that both workers have some.
        small, large = work / "sample.parquet", work / "larger.parquet"
        pq.write_table(sample(options.corpus, 1), small, row_group_size=1000)
        english = pq.read_table(options.corpus / "en.parquet", columns=["text"])
        pq.write_table(english.slice(0, 20_000), large, row_group_size=1000)
        if "speed" in options.parts:
            note("speed", speed(small, options.runs))
        if "speed_20000_documents" in options.parts:
            note("speed_20000_documents", speed(large, options.runs))
        if "signatures" in options.parts:
            note("signatures_ns_a_shingle", signature_rate(small))


if __name__ == "__main__":
    main()
