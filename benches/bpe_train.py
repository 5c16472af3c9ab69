"""Training: `Tokenizer.train` against tokenizers, gigatoken, ffbpe and rustbpe, on the same texts.

Each trainer gets English text, 50,257 entries, no special tokens, and runs in a process of its own;
runs alternate, figures are medians of wall seconds, with CPU seconds beside them because other work
on the machine blurs the former. Whose merges equal ours is checked before any time counts: one with
other merges is marked so. Peak memory is above that of the loaded texts.

Usage: bpe_train.py [--megabytes 100] [--files en | --mixed] [--runs 3] [--slow-runs 1] [--data DIR]
                    [--only NAME...] [--record FILE]
"""

import argparse
import hashlib
import json
import statistics
import sys
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from bpe_corpus import (
    peak_megabytes,
    peer_corpus,
    peer_options,
    record,
    reference_training,
    run_peers,
    text_bytes,
    timed,
)

VOCAB_SIZE = 50257
GPT2_REGEX = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
Merges = list[tuple[bytes, bytes]]
SEPARATOR = b"\0\0\0"  # occurs in no text of the corpus


def ours(column: pa.Array, texts: list[str]) -> Callable[[], Any]:
    """webtext, from the Arrow column, which every other trainer gets as strings."""
    from webtext_py.bpe.train import BpeConfig, train_texts

    return lambda: train_texts([column], BpeConfig(VOCAB_SIZE, 2, special=()))


def ours_merges(vocabulary: Any) -> Merges:
    lines = dict(vocabulary.files())["merges.txt"].decode().splitlines()[1:]
    return tokenizers_merges([[line.split(" ") for line in lines]])


def ours_strings(column: pa.Array, texts: list[str]) -> Callable[[], Any]:
    """webtext, from the same list of strings as the others."""
    from webtext_py import Tokenizer

    return lambda: Tokenizer.train(iter(texts), vocab_size=VOCAB_SIZE, special=())


def ours_strings_merges(tokenizer: Any) -> Merges:
    return ours_merges(tokenizer._encoder)


def theirs_tokenizers(column: pa.Array, texts: list[str]) -> Callable[[], Any]:
    """Hugging Face tokenizers, `train_from_iterator`."""
    return lambda: reference_training(iter(texts), VOCAB_SIZE)


def tokenizers_merges(result: Any) -> Merges:
    # GPT-2's alphabet: visible Latin-1 stands for itself, the other bytes for 256, 257, ...
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [number for number in range(256) if number not in visible]
    byte = {chr(number): number for number in visible}
    byte.update((chr(256 + place), number) for place, number in enumerate(others))
    spell = lambda token: bytes([byte[c] for c in token])  # noqa: E731
    return [(spell(a), spell(b)) for a, b in result[0]]


def theirs_gigatoken(column: pa.Array, texts: list[str]) -> Callable[[], Any]:
    """gigatoken, `train_bpe` on bytes with a separator, its fastest way in."""
    import gigatoken

    data = SEPARATOR.join(text.encode() for text in texts)
    return lambda: gigatoken.train_bpe(data, VOCAB_SIZE, [], separator=SEPARATOR)


def gigatoken_merges(result: Any) -> Merges:
    merges = result.merges if hasattr(result, "merges") else result[1]
    return [(bytes(a), bytes(b)) for a, b in merges]


def theirs_ffbpe(column: pa.Array, texts: list[str]) -> Callable[[], Any]:
    """ffbpe, as its `train_bpe` does, with tokenizers' order of bytes and of ties."""
    import ffbpe

    def run() -> Any:
        counter = ffbpe.PreTokenizer([]).word_counter()
        counter.add_source(iter(texts), max_records=4096, max_bytes=1 << 26, prefetch=1)
        trainer = ffbpe.BpeTrainer(
            [], unit="byte", initial_alphabet="byte_level", tie_break="smallest_pair_id"
        )
        trainer.add_word_counter(counter)
        trainer.train(VOCAB_SIZE)
        return trainer.validate_model()

    return run


def ffbpe_merges(result: Any) -> Merges:
    import tempfile

    with tempfile.NamedTemporaryFile("r") as file:
        result.save_merges_txt(file.name, format="gpt2")
        lines = [line.rstrip("\n") for line in file if not line.startswith("#version")]
    pairs = [tuple(line.split(" => ")[0].split(" ")) for line in lines]
    return tokenizers_merges([pairs])


def theirs_rustbpe(column: pa.Array, texts: list[str]) -> Callable[[], Any]:
    """rustbpe, `train_from_iterator` with GPT-2's pattern."""
    import rustbpe

    tokenizer = rustbpe.Tokenizer()

    def run() -> Any:
        tokenizer.train_from_iterator(iter(texts), VOCAB_SIZE, pattern=GPT2_REGEX)
        return tokenizer

    return run


def rustbpe_merges(tokenizer: Any) -> Merges:
    """Its ranks name no halves: a token's are found by merging it with the ranks below its own."""
    ranks = {bytes(token): rank for token, rank in tokenizer.get_mergeable_ranks()}
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda entry: entry[1]):
        parts = [bytes([byte]) for byte in token]
        while len(parts) > 2:
            pairs = [(ranks.get(parts[i] + parts[i + 1], rank), i) for i in range(len(parts) - 1)]
            lowest, at = min(pairs)
            if lowest >= rank:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(parts) == 2:
            merges.append((parts[0], parts[1]))
    return merges


TRAINERS: dict[str, tuple[Any, Any]] = {
    "webtext": (ours, ours_merges),
    "webtext from strings": (ours_strings, ours_strings_merges),
    "gigatoken": (theirs_gigatoken, gigatoken_merges),
    "ffbpe": (theirs_ffbpe, ffbpe_merges),
    "rustbpe": (theirs_rustbpe, rustbpe_merges),
    "tokenizers": (theirs_tokenizers, tokenizers_merges),
}
SLOW = ("tokenizers", "rustbpe", "ffbpe")


def child(name: str, options: argparse.Namespace) -> None:
    """One run; prints its figures as JSON."""
    column = peer_corpus(options)
    texts = column.to_pylist()
    prepare, merges_of = TRAINERS[name]
    call = prepare(column, texts)
    before = peak_megabytes()
    result, wall, cpu = timed(call)
    after = peak_megabytes()
    merges = merges_of(result)
    digest = hashlib.sha256(repr(merges).encode()).hexdigest()
    figures = {"wall": wall, "cpu": cpu, "peak_mb": after - before}
    print(json.dumps({**figures, "merges": len(merges), "sha256": digest}))


def main() -> None:
    options = peer_options(__doc__.splitlines()[0], list(TRAINERS)).parse_args()
    if options.child:
        child(options.child, options)
        return
    runs = run_peers(__file__, options, SLOW)
    expected = runs["webtext"][0]["sha256"]
    base = statistics.median(run["wall"] for run in runs["webtext"])
    base_cpu = statistics.median(run["cpu"] for run in runs["webtext"])
    rows = {}
    for name, figures in runs.items():
        wall = statistics.median(run["wall"] for run in figures)
        cpu = statistics.median(run["cpu"] for run in figures)
        rows[name] = {
            "same_merges": all(run["sha256"] == expected for run in figures),
            "merges": figures[0]["merges"],
            "runs": len(figures),
            "wall_s": round(wall, 3),
            "wall_range_s": [round(f([run["wall"] for run in figures]), 3) for f in (min, max)],
            "cpu_s": round(cpu, 3),
            "times_webtext_wall": round(wall / base, 1),
            "times_webtext_cpu": round(cpu / base_cpu, 1),
            "peak_mb_above_texts": round(statistics.median(run["peak_mb"] for run in figures)),
        }
    size = text_bytes(peer_corpus(options))
    document = {"command": " ".join(["bpe_train.py", *sys.argv[1:]]), "bytes": size, "rows": rows}
    record(options.record, document, ["tokenizers", "gigatoken", "ffbpe", "rustbpe"])


if __name__ == "__main__":
    main()
