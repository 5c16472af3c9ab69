"""Planted contamination moves an item; the difference between the columns is the planted one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from webtext_py.bpe.encode_stage import encode
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.cli.main import run
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.evaluate.items import Item
from webtext_py.evaluate.memory import overlap_of, shares_of
from webtext_py.evaluate.results import judge, samples, score
from webtext_py.evaluate.run import trained_here
from webtext_py.evaluate.scorer import Scored
from webtext_py.overlap import IndexConfig, TrainingText, build_index
from webtext_py.pipeline import Build, Sources
from webtext_py.tokens import TokenSet

from .conftest import write_rows

WORDS = [f"word{n}" for n in range(4000)]


def _text(number: int, length: int = 20) -> str:
    chance = np.random.default_rng(number)
    return " ".join(chance.choice(WORDS, length))


def _index(folder: Path, planted: list[str], n: int) -> Path:
    texts = [f"{_text(900 + i)} {text} {_text(700 + i)}" for i, text in enumerate(planted)]
    rows = [{"text": text} for text in [*texts, _text(5000, 400)]]
    train = TrainingText.of([write_rows(folder / f"train{len(planted)}.jsonl", rows)])
    path = folder / f"{n}-{len(planted)}.bloom"
    build_index(train, path, IndexConfig(n=n))
    return path


def _judged(known: set[int], count: int) -> Any:
    """Right on the items in `known`; the others are right every second time."""
    items = [
        Item(str(n), (("p", "a"), ("p", "b")), 0, _text(n), facts={"choices": ["a", "b"]})
        for n in range(count)
    ]
    sure, wrong = Scored([-1.0], [True]), Scored([-3.0], [False])
    answers = [[sure, wrong] if n in known or n % 2 else [wrong, sure] for n in range(count)]
    return judge("made", "made", "choices", 0, "choices", items, answers)


@pytest.mark.parametrize("n", [8, 13])
def test_the_planted_difference(tmp_path: Path, n: int) -> None:
    known = set(range(0, 80, 2))  # 40 items, which without it would all be wrong
    judged = _judged(known, 200)
    index = _index(tmp_path, [_text(number) for number in sorted(known)], n)
    shares = shares_of(judged.items, index)
    assert set(np.flatnonzero(shares > 0).tolist()) == known
    found = score(judged, {n: shares})["acc"]["by_overlap"][str(n)]
    assert (found["overlapping"]["items"], found["overlapping"]["value"]) == (40, 1.0)
    clean = 100 / 160  # the odd ones are right
    assert found["clean"]["value"] == pytest.approx(clean)
    assert found["difference"]["value"] == pytest.approx(1 - clean)
    low, high = found["difference"]["interval_95"]
    assert low < 1 - clean < high
    made = overlap_of([judged], [{n: shares}], {n: index}, "this build's text")
    assert made is not None
    assert made["items"]["made"][str(n)]["any"] == 40
    curve = made["curves"]["made"][str(n)]
    assert (curve[0]["value"], curve[-1]["value"]) == (pytest.approx(clean), 1.0)
    assert samples(judged, {n: shares})[0][f"overlap_{n}gram"] == 1.0


def test_one_item_moves(tmp_path: Path) -> None:
    judged = _judged(set(), 30)
    before = shares_of(judged.items, _index(tmp_path, [], 8))
    after = shares_of(judged.items, _index(tmp_path, [_text(7)], 8))
    assert not before.any()
    assert np.flatnonzero(after).tolist() == [7]


def test_items_shorter_than_the_ngram_are_in_neither(tmp_path: Path) -> None:
    judged = _judged(set(), 4)
    short = [Item(i.id, i.asks, i.gold, "three words only", facts=i.facts) for i in judged.items]
    shares = shares_of(short, _index(tmp_path, [], 8))
    assert np.isnan(shares).all()
    found = score(judged, {8: shares})["acc"]["by_overlap"]["8"]
    assert (found["clean"]["items"], found["overlapping"]["items"]) == (0, 0)
    assert found["difference"]["note"] == "no items"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's build with its tokens."""
    data = tmp_path_factory.mktemp("built") / "data"
    Build(data, Sources(), BuildConfig()).run(LocalEngine(1))
    train_vocabulary(data, Asked())
    encode(data)
    return data


def test_the_command_joins_the_builds_index(
    built: Path, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Items out of the shards overlap, others do not; indexes of both lengths are made, once."""
    shard = next((built / "shards").glob("train-*.parquet"))
    documents = pq.read_table(shard, columns=["text"])["text"].to_pylist()  # type: ignore[no-untyped-call]
    known = [" ".join(text.split()[4:30]) for text in documents if len(text.split()) > 30][:5]
    rows = [{"text": text} for text in [*known, *(_text(n) for n in range(7))]]
    path = write_rows(tmp_path / "lambada.jsonl", rows)
    args = ["eval", str(model_folder), "--data", str(built), "--tasks", f"lambada={path}"]
    assert run([*args, "--overlap"]) == 0
    assert "overlap with this build's text" in capsys.readouterr().out
    made = json.loads((built / "eval" / "small.json").read_bytes())
    assert set(made["overlap"]["indexes"]) == {"8", "13"}
    for n in ("8", "13"):
        groups = made["intervals"]["lambada"]["acc"]["by_overlap"][n]
        assert (groups["overlapping"]["items"], groups["clean"]["items"]) == (5, 7)
    samples_path = built / "eval" / "small" / "samples-lambada.jsonl"
    lines = [json.loads(line) for line in samples_path.read_text().splitlines()]
    assert [line["doc_id"] for line in lines if line["overlap_13gram"]] == list("12345")
    assert "Memory or generalisation?" in (built / "eval" / "small.html").read_text()
    assert run(["verify", "--data", str(built)]) == 0
    before = {path: path.stat().st_mtime_ns for path in (built / "overlap").iterdir()}
    assert run([*args, "--overlap", "--seed", "1", "--out", "again"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (built / "overlap").iterdir()} == before


def test_whose_text_it_is(built: Path) -> None:
    """A run that learnt from these tokens, and one of others."""
    learnt = TokenSet.open(sorted((built / "tokens").glob("train-*.parquet"))).fingerprint
    for name, training in (("ours", learnt), ("other", "0" * 64)):
        folder = built / "runs" / name
        folder.mkdir(parents=True)
        document = {"format": 1, "data": {"training": training}}
        (folder / "run.json").write_text(json.dumps(document))
        assert trained_here(built, folder) == (name == "ours")
