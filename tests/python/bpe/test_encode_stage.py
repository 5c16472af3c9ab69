"""`tokens/`: one file a shard, the same bytes for any number of workers, stale when it must be."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import Tokenizer
from webtext_py.bpe.encode_stage import encode_stage
from webtext_py.engine import Engine, LocalEngine, ThreadEngine, progress
from webtext_py.errors import FormatError, InputError, StaleError
from webtext_py.workspace import Workspace


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    draw = random.Random(3)
    words = [
        "".join(draw.choice("abcdefé中") for _ in range(draw.randint(1, 8))) for _ in range(900)
    ]
    paths = []
    for number in range(3):
        rows = [" ".join(draw.choices(words, k=draw.randint(0, 300))) for _ in range(200)]
        rows[7] = "<|endoftext|>"
        ids = [f"{number}-{row}" for row in range(len(rows))]
        name = "validation-0.parquet" if number == 2 else f"train-{number}.parquet"
        pq.write_table(pa.table({"doc_id": ids, "text": rows}), tmp_path / name)
        paths.append(tmp_path / name)
    return paths


@pytest.fixture
def tokenizer(tmp_path: Path, texts: list[Path]) -> Path:
    column = pq.read_table(texts[0])["text"]
    Tokenizer.train(column, vocab_size=600).save(tmp_path / "vocabulary")
    return tmp_path / "vocabulary" / "tokenizer.json"


def run(data: Path, tokenizer: Path, texts: list[Path], workers: int = 1, **options: bool) -> None:
    with Workspace(data, engine=LocalEngine(workers)) as workspace:
        encode_stage(workspace, tokenizer=tokenizer, inputs=texts, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_rows_ids_and_metadata(tmp_path: Path, texts: list[Path], tokenizer: Path) -> None:
    run(tmp_path / "data", tokenizer, texts)
    reader = Tokenizer.from_file(tokenizer)
    end = reader.special["<|endoftext|>"]
    total = 0
    for path in texts:
        source = pq.read_table(path)
        file = pq.ParquetFile(tmp_path / "data" / "tokens" / path.name)
        table = file.read()
        assert table["doc_id"].to_pylist() == source["doc_id"].to_pylist()
        expected = [[end, *reader.encode(text).tolist()] for text in source["text"].to_pylist()]
        assert table["tokens"].to_pylist() == expected
        assert expected[7].count(end) == 1, "a document never injects a special token"
        assert table.schema.metadata[b"webtext.tokenizer"] == reader.digest.encode()
        groups = [file.metadata.row_group(i).column(1) for i in range(file.num_row_groups)]
        assert sum(group.num_values for group in groups) == sum(map(len, expected))
        assert {group.compression for group in groups} == {"ZSTD"}
        assert all("BYTE_STREAM_SPLIT" in group.encodings for group in groups)
        total += sum(map(len, expected))
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_text())
    assert manifest["stages"]["tokens"]["counts"]["tokens"] == total


def test_the_same_bytes_for_any_number_of_workers(
    tmp_path: Path, texts: list[Path], tokenizer: Path
) -> None:
    for flat in (False, True):
        engines: dict[str, Engine] = {"one": LocalEngine(1), "processes": LocalEngine(3)}
        engines["threads"] = ThreadEngine(3)
        for name, engine in engines.items():
            with Workspace(tmp_path / f"{name}{flat}", engine=engine) as workspace:
                encode_stage(workspace, tokenizer=tokenizer, inputs=texts, flat=flat)
        one = contents(tmp_path / f"one{flat}" / "tokens")
        for name in ("processes", "threads"):
            assert one == contents(tmp_path / f"{name}{flat}" / "tokens"), name
        assert len(one) == (2 if flat else 3)


def test_flat_files_hold_the_same_ids(tmp_path: Path, texts: list[Path], tokenizer: Path) -> None:
    run(tmp_path / "a", tokenizer, texts)
    run(tmp_path / "b", tokenizer, texts, flat=True)
    for name, sources in (("train.bin", texts[:2]), ("val.bin", texts[2:])):
        rows = [pq.read_table(tmp_path / "a" / "tokens" / path.name)["tokens"] for path in sources]
        expected = np.concatenate([row.combine_chunks().flatten().to_numpy() for row in rows])
        found = np.fromfile(tmp_path / "b" / "tokens" / name, np.uint16)
        assert np.array_equal(found, expected)


def test_another_tokenizer_makes_the_tokens_stale(
    tmp_path: Path, texts: list[Path], tokenizer: Path
) -> None:
    data = tmp_path / "data"
    run(data, tokenizer, texts)
    before = contents(data / "tokens")
    run(data, tokenizer, texts)
    assert contents(data / "tokens") == before
    Tokenizer.train(pq.read_table(texts[0])["text"], vocab_size=500).save(tmp_path / "other")
    with pytest.raises(StaleError, match="`tokens` was made from something else: tokenizer: "):
        run(data, tmp_path / "other", texts)
    assert contents(data / "tokens") == before
    run(data, tmp_path / "other" / "tokenizer.json", texts, force=True)
    assert contents(data / "tokens") != before


def test_a_killed_run_is_taken_up_again(tmp_path: Path, texts: list[Path], tokenizer: Path) -> None:
    run(tmp_path / "whole", tokenizer, texts)
    data = tmp_path / "killed"
    program = """
import os, signal, sys
from webtext_py.cli.main import main
from webtext_py.engine import commit
write = commit.write_json
def marked(path, *rest, **options):
    write(path, *rest, **options)
    if path.parent.name == "encode":
        os.kill(os.getpid(), signal.SIGKILL)
if sys.argv.pop(1) == "killed":
    commit.write_json = marked
main()
"""
    options = ["bpe", "encode", "--data", str(data), "--tokenizer", str(tokenizer), "--quiet"]
    options += ["--workers", "1", "--input", *map(str, texts)]
    killed = subprocess.run([sys.executable, "-P", "-c", program, "killed", *options], check=False)
    assert killed.returncode == -signal.SIGKILL
    (first,) = (data / "tokens").iterdir()
    stamp = first.stat().st_mtime_ns
    subprocess.run([sys.executable, "-P", "-c", program, "whole", *options], check=True)
    assert first.stat().st_mtime_ns == stamp, "what was done is not done again"
    assert contents(data / "tokens") == contents(tmp_path / "whole" / "tokens")


def test_row_groups_hold_about_a_million_tokens(tmp_path: Path, tokenizer: Path) -> None:
    path = tmp_path / "big.parquet"
    pq.write_table(pa.table({"text": ["a b c d e f g h " * 4000] * 90}), path)
    run(tmp_path / "data", tokenizer, [path])
    meta = pq.read_metadata(tmp_path / "data" / "tokens" / "big.parquet")
    sizes = [meta.row_group(i).column(1).num_values for i in range(meta.num_row_groups)]
    assert len(sizes) > 2
    assert all((1 << 20) - 70_000 < size < (1 << 20) + 70_000 for size in sizes[:-1])


def test_a_vocabulary_without_endoftext_is_refused(tmp_path: Path, texts: list[Path]) -> None:
    Tokenizer.train(["a b"], vocab_size=300, special=["<s>"]).save(tmp_path / "v")
    with pytest.raises(InputError, match="has no special token"):
        run(tmp_path / "data", tmp_path / "v" / "tokenizer.json", texts)


def test_an_error_in_one_thread_stops_the_others(
    tmp_path: Path, tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = progress.attach

    def held(report: Callable[[int], None] | None) -> None:
        """A task that says how far it is waits there until it is stopped, or for a minute."""
        attach(report and partial(wait, report))

    def wait(report: Callable[[int], None], units: int) -> None:
        for _ in range(6000):
            report(0)
            time.sleep(0.01)

    monkeypatch.setattr(progress, "attach", held)
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"text": ["a b c " * 1000] * 20}), good)
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "fine"}\n{"text": ')
    data = tmp_path / "data"
    with (
        Workspace(data, engine=ThreadEngine(2)) as workspace,
        pytest.raises(FormatError, match="line 2 is not JSON"),
    ):
        encode_stage(workspace, tokenizer=tokenizer, inputs=[bad, good], flat=True)
    assert list((data / "tokens").glob("*")) == []
