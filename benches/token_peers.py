"""Token shards: the core's writer against pyarrow and the `parquet` crate, in CPU seconds.

The same rows, row groups, encodings and zstd level; each peer with many settings, of which the best
counts. The core encodes as it writes: its writing is what `append` takes beyond `encode_batch` of
the same texts, in turns in one process. Two inputs: documents, and the same text in rows of 200
characters. Every file is read back and compared.

Usage: token_peers.py [--megabytes 100] [--runs 5] [--data DIR] [--record FILE]
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bpe_corpus import REPOSITORY, SHARED, corpus, record

from webtext_py import Tokenizer
from webtext_py.records import TOKENS_UINT16, doc_id

PEERS = Path(__file__).with_name("peers")
GROUP_TOKENS = 1 << 20
ID_PATH = "tokens.list.element"


def built() -> Path:
    """The program of the `parquet` crate."""
    target = REPOSITORY / "target" / "peers"
    command = ["cargo", "build", "-q", "--release", "--locked", "--bin", "tokens"]
    command += ["--manifest-path", str(PEERS / "Cargo.toml"), "--target-dir", str(target)]
    subprocess.run(command, check=True)
    return target / "release" / "tokens"


def ours(
    tokenizer: Tokenizer, names: pa.Array, texts: pa.Array, path: Path, runs: int
) -> dict[str, Any]:
    """CPU seconds of encoding, of encoding and writing, and the difference."""
    end = tokenizer.special["<|endoftext|>"]
    encode, both = [], []
    for _ in range(runs):
        started = time.process_time()
        tokenizer.encode_batch(texts, prefix=end, threads=1)
        encode.append(time.process_time() - started)
        started = time.process_time()
        writer = tokenizer.token_writer(path)
        writer.append(names, texts, end, 1)
        writer.finish({})
        both.append(time.process_time() - started)
    figures = {"encode_cpu_s": statistics.median(encode), "both_cpu_s": statistics.median(both)}
    # Pairs of neighbours in time: what else the machine did falls on both.
    spent = statistics.median(b - e for b, e in zip(both, encode, strict=True))
    return {"cpu_s": spent, **figures, "bytes": path.stat().st_size}


def groups(ends: np.ndarray) -> list[tuple[int, int]]:
    """The rows of each row group, as the core cuts them."""
    bounds, first = [], 0
    for row in range(len(ends) - 1):
        if ends[row + 1] - ends[first] >= GROUP_TOKENS:
            bounds.append((first, row + 1))
            first = row + 1
    return bounds + ([(first, len(ends) - 1)] if first < len(ends) - 1 else [])


def by_pyarrow(table: pa.Table, cuts: list[tuple[int, int]], path: Path, runs: int) -> Any:
    """CPU seconds of pyarrow's writer under each of many settings."""
    required = pa.schema(
        [
            table.schema.field("doc_id"),
            pa.field("tokens", pa.list_(pa.field("element", pa.uint16(), False)), False),
        ]
    )
    values = table["tokens"].combine_chunks()
    lists = pa.ListArray.from_arrays(values.offsets, values.values, type=required[1].type)
    tables = {
        "as ours": table,
        "element not null": pa.table([table["doc_id"], lists], schema=required),
    }
    settings = itertools.product(
        tables, ["1.0", "2.0"], [1 << 20, 64 << 20], [1024, 1 << 16, 1 << 22]
    )
    figures = {}
    for schema, version, page_bytes, batch in settings:
        found = []
        slices = [tables[schema].slice(first, last - first) for first, last in cuts]
        for _ in range(runs):
            started = time.process_time()
            with pq.ParquetWriter(
                path,
                slices[0].schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=False,
                write_statistics=False,
                column_encoding={ID_PATH: "BYTE_STREAM_SPLIT", "doc_id": "PLAIN"},
                data_page_version=version,
                data_page_size=page_bytes,
                write_batch_size=batch,
                store_schema=False,
            ) as writer:
                for part in slices:
                    writer.write_table(part, row_group_size=len(part))
            found.append(time.process_time() - started)
        name = f"{schema}, pages {version} of {page_bytes >> 20} MiB, write_batch_size {batch}"
        figures[name] = {"cpu_s": statistics.median(found), "bytes": path.stat().st_size}
        assert pq.read_table(path)["tokens"].combine_chunks().values.equals(values.values)
    return figures


def best(figures: dict[str, Any]) -> dict[str, Any]:
    """The settings that took the least CPU."""
    name = min(figures, key=lambda name: figures[name]["cpu_s"])
    return {"settings": name, **figures[name], "settings_tried": len(figures)}


def compare(
    tokenizer: Tokenizer, texts: pa.Array, program: Path, folder: Path, runs: int
) -> dict[str, Any]:
    """All writers on one column of texts."""
    # As random as real ones.
    names = pa.array([doc_id(str(row)) for row in range(len(texts))], pa.string())
    mine = ours(tokenizer, names, texts, folder / "ours.parquet", runs)
    rows = tokenizer.encode_batch(texts, prefix=tokenizer.special["<|endoftext|>"])
    tokens = rows.cast(TOKENS_UINT16.field("tokens").type)
    table = pa.table([names, tokens], schema=TOKENS_UINT16)
    assert pq.read_table(folder / "ours.parquet").equals(table)
    ends = rows.offsets.to_numpy()
    (folder / "ids.u16").write_bytes(rows.values.to_numpy())
    (folder / "ends.i64").write_bytes(ends)
    (folder / "names.txt").write_text("\n".join(names.to_pylist()))
    cuts = groups(ends)
    assert [last - first for first, last in cuts] == [
        pq.read_metadata(folder / "ours.parquet").row_group(i).num_rows for i in range(len(cuts))
    ]
    arrow = best(by_pyarrow(table, cuts, folder / "pyarrow.parquet", runs))
    done = subprocess.run([program, str(runs), folder], capture_output=True, text=True, check=True)
    crate = best(json.loads(done.stdout))
    for api in ("arrow", "columns"):
        assert pq.read_table(folder / f"{api}.parquet").to_pydict() == table.to_pydict()
    peer = min(arrow["cpu_s"], crate["cpu_s"])
    return {
        "rows": len(texts),
        "tokens": len(rows.values),
        "row_groups": len(cuts),
        "webtext": mine,
        "pyarrow": arrow,
        "parquet crate": crate,
        "best peer / webtext": round(peer / mine["cpu_s"], 2),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    pa.set_cpu_count(1)
    program = built()
    tokenizer = Tokenizer.from_file(options.data / "gpt2" / "encoder.json")
    documents = corpus(options.data, ["en"], options.megabytes)
    short = [
        text[at : at + 200] for text in documents.to_pylist() for at in range(0, len(text), 200)
    ]
    inputs = {"documents": documents, "rows of 200 characters": pa.array(short, pa.large_string())}
    with tempfile.TemporaryDirectory() as name:
        results = {
            kind: compare(tokenizer, texts, program, Path(name), options.runs)
            for kind, texts in inputs.items()
        }
    record(
        options.record,
        {
            "command": " ".join(["token_peers.py", *sys.argv[1:]]),
            "runs": options.runs,
            "load_average_at_end": os.getloadavg()[0],
            "parquet": "60.1.0",
            **results,
        },
        ["pyarrow"],
    )


if __name__ == "__main__":
    main()
