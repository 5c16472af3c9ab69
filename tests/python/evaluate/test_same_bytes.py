"""The same bytes in any order, beside any neighbours, by any number of processes, after kills."""

import itertools
import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from webtext_py import demo
from webtext_py.cli.main import run
from webtext_py.evaluate import work
from webtext_py.evaluate.forms import read_form
from webtext_py.evaluate.model import ModelScorer
from webtext_py.evaluate.rows import bucket, rows_of_batch
from webtext_py.evaluate.scorer import Sampling

TASKS = ("lambada", "choices", "nq", "wikitext2", "winograd")


def _args(model: Path, data: Path, *more: str) -> list[str]:
    tasks = [f"{name}={demo.tasks()[name]}" for name in TASKS]
    args = ["eval", str(model), "--data", str(data), "--quiet", "--tasks", *tasks]
    return [*args, "--device", "cpu", *more]


def _files(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for path in sorted((data / "eval").rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def expected(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process writes, undisturbed."""
    data = tmp_path_factory.mktemp("expected") / "d"
    assert run(_args(model_folder, data, "--shots", "0,1")) == 0
    return _files(data)


def test_two_processes(model_folder: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    assert run(_args(model_folder, tmp_path / "d", "--shots", "0,1", "--workers", "2")) == 0
    assert _files(tmp_path / "d") == expected


def test_order_and_neighbours(model_folder: Path) -> None:
    """Bits of a score alone, among others, in another order."""
    scorer = ModelScorer(model_folder)
    for task in ("lambada", "choices", "winograd", "cbt-cn"):
        _, items = read_form(demo.tasks()[task], task, None, {})
        groups = [item.asks for item in items]
        together = scorer.score(groups, ("the", "a"))
        alone = [scorer.score([group], ("the", "a"))[0] for group in groups]
        order = random.Random(1).sample(range(len(groups)), len(groups))
        mixed = scorer.score([groups[i] for i in order], ("the", "a"))
        assert together == alone
        assert mixed == [together[i] for i in order]
    prompts = [item.asks[0][0] for item in read_form(demo.tasks()["nq"], "nq", None, {})[1]]
    how = Sampling(8, ("\n",), top_k=2, seed=3)
    together_texts = scorer.generate(prompts, how)
    assert together_texts == [scorer.generate([prompt], how)[0] for prompt in prompts]
    assert together_texts[::-1] == scorer.generate(prompts[::-1], how)


def test_any_number_of_threads(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bits with one thread and with three, each of which computes alone."""
    asks = [[("one " * n, " two"), ("one " * n, " three")] for n in range(1, 20)]
    prompts = ["Q: " + "what " * n for n in range(1, 40, 2)]
    seen: list[tuple[int, int]] = []
    real = ModelScorer.hidden

    def hidden(scorer: ModelScorer, ids: Any, **how: Any) -> Any:
        seen.append((threading.get_ident(), torch.get_num_threads()))
        return real(scorer, ids, **how)

    monkeypatch.setattr(ModelScorer, "hidden", hidden)
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        seen.clear()
        scorer = ModelScorer(model_folder)
        texts = scorer.generate(prompts, Sampling(4))
        found.append((scorer.score(asks), scorer.rolling("some words " * 900), texts))
        after = torch.get_num_threads()
        torch.set_num_threads(1)
        assert after == threads
        assert {alone for _, alone in seen} == {1}
        assert (threading.get_ident() in {thread for thread, _ in seen}) == (threads == 1)
    assert found[0] == found[1]


def test_shapes_follow_from_a_rows_own_length(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One length has one number of rows, whatever is asked: so has every model the same bits."""
    scorer = ModelScorer(model_folder)
    shapes: set[tuple[int, int]] = set()
    real = scorer.hidden

    def hidden(ids: Any, **how: Any) -> Any:
        shapes.add(tuple(ids.shape))
        return real(ids, **how)

    monkeypatch.setattr(scorer, "hidden", hidden)
    for count in (1, 2, 3, 7, 30):
        scorer.score([[("one " * n, " two"), ("one " * n, " three")] for n in range(1, count)])
        scorer.rolling("words " * 40 * count)
    assert len(shapes) > 5
    assert all(rows == rows_of_batch(length, "cpu") for rows, length in shapes)
    assert all(length == bucket(length) for _, length in shapes)


def test_sharing_changes_no_score(model_folder: Path) -> None:
    """Branches of one row have the scores that they have alone; turns have their own texts."""
    scorer = ModelScorer(model_folder)
    assert scorer.packs
    _, items = read_form(demo.tasks()["choices"], "choices", None, {})
    shared = scorer.score([item.asks for item in items])
    scorer.packs = False
    single = scorer.score([item.asks for item in items])
    for one, other in zip(shared, single, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            assert mine.logprobs == pytest.approx(theirs.logprobs, abs=1e-5)
            assert mine.greedy == theirs.greedy
    turns = [item.asks[0][0] for item in read_form(demo.tasks()["coqa"], "coqa", None, {})[1]]
    assert all(later.startswith(turn) for turn, later in itertools.pairwise(turns))
    made = scorer.generate(turns, Sampling(6))
    alone = [scorer.generate([turn], Sampling(6))[0] for turn in turns]
    assert [one.text for one in made] == [one.text for one in alone]
    assert [m.logprob for m in made] == pytest.approx([a.logprob for a in alone], abs=1e-4)


def test_as_transformers_generates(model_folder: Path) -> None:
    scorer = ModelScorer(model_folder)
    prompts = ["Q: what do bees make?\nA:", "The ladder did not fit into the shed because", "One"]
    made = scorer.generate(prompts, Sampling(10))
    for prompt, one in zip(prompts, made, strict=True):
        ids = scorer.tokenizer(prompt, return_tensors="pt")
        theirs = scorer.model.generate(**ids, max_new_tokens=10, do_sample=False, pad_token_id=0)
        fresh = scorer.tokenizer.decode(theirs[0][ids["input_ids"].shape[1] :])
        assert one.text == fresh.partition("<|endoftext|>")[0]


def test_a_context_that_is_too_long(model_folder: Path) -> None:
    """Cut at the left, and counted; the continuation is whole."""
    scorer = ModelScorer(model_folder)
    [[short]] = scorer.score([[("one two three", " four five")]])
    [[cut]] = scorer.score([[("word " * 600 + "one two three", " four five")]])
    assert short.cut == 0
    assert cut.cut > 0
    assert len(cut.logprobs) == len(short.logprobs)
    assert scorer.generate(["word " * 600], Sampling(4))[0].cut > 0


@pytest.mark.parametrize("prefix", ["", "  ", "no space after", "one space after "])
def test_every_boundary_of_prefix_and_continuation(model_folder: Path, prefix: str) -> None:
    """All characters of the continuation are scored, wherever tokens begin."""
    scorer = ModelScorer(model_folder)
    for continuation in ("x", " tail", "ily", "\nline"):
        [(tokens, first)] = scorer.split([(prefix, continuation)])
        assert 1 <= first < len(tokens)
        tail = scorer.tokenizer.decode(tokens[first:])
        assert continuation.strip() in tail
        [[scored]] = scorer.score([[(prefix, continuation)]])
        assert len(scored.logprobs) == len(tokens) - first


def test_bf16(model_folder: Path) -> None:
    half = ModelScorer(model_folder, dtype="bf16").score([[("one two", " three")]])[0][0]
    full = ModelScorer(model_folder).score([[("one two", " three")]])[0][0]
    assert half.logprobs != full.logprobs
    assert sum(half.logprobs) == pytest.approx(sum(full.logprobs), rel=0.05)


def test_batches_of_a_gpu(model_folder: Path) -> None:
    """The shapes that a GPU gets give the same scores, up to rounding. No GPU is used here."""
    scorer = ModelScorer(model_folder)
    _, items = read_form(demo.tasks()["choices"], "choices", None, {})
    few = scorer.score([item.asks for item in items])
    scorer.kind = "cuda"
    many = scorer.score([item.asks for item in items])
    assert [one.greedy for group in few for one in group] == [o.greedy for g in many for o in g]
    for one, other in zip(itertools.chain(*few), itertools.chain(*many), strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-5)


def test_each_process_has_a_gpu_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there are; what is too much shares the first. Which GPUs there are is made up."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(work, "_held", [])
    assert [work._own_gpu(tmp_path) for _ in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    for lock in work._held:
        lock.close()
    assert work._own_gpu(tmp_path) == "cuda:0"
    work._held[-1].close()


def test_ten_kills(model_folder: Path, tmp_path: Path, expected: dict[str, bytes]) -> None:
    """`kill -9` at ten moments, then an undisturbed run: the same files."""
    data = tmp_path / "d"
    script = Path(__file__).with_name("killed_eval.py")
    args = _args(model_folder, data, "--shots", "0,1", "--workers", "1")
    done = subprocess.run(
        [sys.executable, script, *args],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("killed") == 10
    assert _files(data) == expected
