"""What the BPE benches share: slices of the corpus, references, and how a record is written."""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared" / "data"
R50K = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def corpus(data: Path, names: Sequence[str], megabytes: float | None = None) -> pa.LargeStringArray:
    """The texts of some files of the corpus in one column, cut after so many megabytes."""
    columns = []
    for name in names:
        path = data / "corpus" / f"{name}.parquet"
        columns += pq.read_table(path, columns=["text"])["text"].cast(pa.large_string()).chunks
    column = pa.chunked_array(columns)
    if megabytes is not None:
        ends = np.cumsum(pc.binary_length(column).to_numpy())
        column = column.slice(0, max(1, int(np.searchsorted(ends, megabytes * 1e6))))
    return pa.concat_arrays(column.chunks)


def corpus_names(data: Path) -> list[str]:
    """All files of the corpus."""
    return sorted(path.stem for path in (data / "corpus").glob("*.parquet"))


def text_bytes(column: pa.Array) -> int:
    """Bytes of text in a column."""
    return int(pc.sum(pc.binary_length(column)).as_py())


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, wall seconds and CPU seconds (all threads) of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def peak_megabytes() -> float:
    """The largest resident size that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def reference_training(texts: Any, vocab_size: int) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Merges and vocabulary by Hugging Face tokenizers, without special tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [tuple(merge) for merge in model["merges"]], model["vocab"]


def tiktoken_gpt2(data: Path) -> Any:
    """tiktoken's gpt2, built from local files."""
    import tiktoken
    from tiktoken.load import data_gym_to_mergeable_bpe_ranks

    ranks = data_gym_to_mergeable_bpe_ranks(
        str(data / "gpt2" / "vocab.bpe"), str(data / "gpt2" / "encoder.json")
    )
    return tiktoken.Encoding(
        "gpt2", pat_str=R50K, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256}
    )


def peer_options(description: str, peers: Sequence[str]) -> argparse.ArgumentParser:
    """The arguments of a bench that runs each peer in a process of its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--files", nargs="+", default=["en"])
    parser.add_argument("--mixed", action="store_true", help="all files of the corpus")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--slow-runs", type=int, default=1, help="of the slow peers")
    parser.add_argument("--only", nargs="+", default=list(peers))
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--child")
    return parser


def peer_corpus(options: argparse.Namespace) -> pa.LargeStringArray:
    """The texts that the options name."""
    names = corpus_names(options.data) if options.mixed else options.files
    return corpus(options.data, names, options.megabytes)


def run_peers(
    script: str, options: argparse.Namespace, slow: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """What each run of each peer printed, peers in turn; none for a peer that failed."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in options.only}
    for turn in range(options.runs):
        for name in options.only:
            if name in slow and turn >= options.slow_runs:
                continue
            command = [sys.executable, script, "--child", name, "--data", str(options.data)]
            command += ["--megabytes", str(options.megabytes), "--files", *options.files]
            command += ["--mixed"] if options.mixed else []
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                continue
            # Some print while they work.
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {name: figures for name, figures in runs.items() if figures}


def record(path: Path | None, document: dict[str, Any], packages: Sequence[str]) -> None:
    """Prints a result and, where a path is given, adds it to the file's list."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    document = {
        **document,
        "commit": commit,
        "machine": "AMD EPYC, 2 cores",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }
    print(json.dumps(document, indent=1, ensure_ascii=False))
    if path is not None:
        known = json.loads(path.read_text()) if path.exists() else []
        path.write_text(json.dumps([*known, document], indent=1, ensure_ascii=False) + "\n")
