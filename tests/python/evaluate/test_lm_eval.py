"""The same scores as the community's harness, on the same folder and the same items."""

import bz2
import itertools
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from webtext_py.evaluate.run import evaluate
from webtext_py.evaluate.stage import Test

from .conftest import write_model, write_rows

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.filterwarnings("ignore"),  # of the harness and its libraries
]
ITEMS = 16


def _head(path: Path, start: int = 0) -> list[dict[str, Any]]:
    lines = path.read_text().splitlines()[start : start + ITEMS]
    return [json.loads(line) for line in lines]


def _tasks(data: Path, out: Path) -> dict[str, tuple[Path, Mapping[str, Any]]]:
    """Each task's file for us and its configuration for the harness, as its own tasks have them."""
    choices = {"output_type": "multiple_choice", "metric_list": _metrics("acc", "acc_norm")}
    lambada = write_rows(out / "lambada.jsonl", _head(data / "overlap" / "lambada_test.jsonl"))
    piqa = [
        {"goal": row["query"].removeprefix("Question: ").strip(), "label": row["gold"],
         "sol1": row["choices"][0], "sol2": row["choices"][1]}
        for row in _head(data / "eval" / "piqa.jsonl")
    ]  # fmt: skip
    arc = [
        {"question": row["query"].removeprefix("Question: "), "answerKey": "ABCDE"[row["gold"]],
         "choices": {"text": row["choices"], "label": list("ABCDE"[: len(row["choices"])])}}
        for row in _head(data / "eval" / "arc_easy.jsonl")
    ]  # fmt: skip
    winograd = _head(data / "eval" / "winograd_wsc.jsonl")
    packed = (data / "eval" / "hellaswag_val_full.txt.bz2").read_bytes()
    lines = bz2.decompress(packed).decode().splitlines()
    (out / "hellaswag.txt").write_text("\n".join(lines[: 6 * ITEMS]) + "\n")
    hellaswag = [
        {"query": lines[i], "label": int(lines[i + 1]), "choices": lines[i + 2 : i + 6]}
        for i in range(0, 6 * ITEMS, 6)
    ]
    return {
        "lambada": (lambada, {
            "output_type": "loglikelihood", "data": lambada,
            "doc_to_text": "{{text.split(' ')[:-1]|join(' ')}}",
            "doc_to_target": "{{' '+text.split(' ')[-1]}}",
            "metric_list": [*_metrics("acc"), {"metric": "perplexity", "aggregation": "perplexity",
                                               "higher_is_better": False}]}),
        "piqa": (write_rows(out / "piqa.jsonl", piqa), {
            **choices, "doc_to_text": "Question: {{goal}}\nAnswer:", "doc_to_target": "label",
            "doc_to_choice": "{{[sol1, sol2]}}"}),
        "arc": (write_rows(out / "arc.jsonl", arc), {
            **choices, "doc_to_text": "Question: {{question}}\nAnswer:",
            "doc_to_target": "{{choices.label.index(answerKey)}}",
            "doc_to_choice": "{{choices.text}}"}),
        "hellaswag": (out / "hellaswag.txt", {
            **choices, "data": write_rows(out / "hellaswag.jsonl", hellaswag),
            "doc_to_text": "{{query}}", "doc_to_target": "label", "doc_to_choice": "choices"}),
        "winograd": (write_rows(out / "winograd.jsonl", winograd), {
            "output_type": "multiple_choice", "metric_list": _metrics("acc"),
            "doc_to_text": "gold", "doc_to_target": "continuation",
            "doc_to_choice": "context_options"}),
    }  # fmt: skip


def _metrics(*names: str) -> list[dict[str, Any]]:
    return [{"metric": n, "aggregation": "mean", "higher_is_better": True} for n in names]


def _harness(folder: Path, tasks: Mapping[str, Any]) -> dict[str, Any]:
    import lm_eval
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=8)
    made = []
    for name, (path, settings) in tasks.items():
        config = dict(settings)
        data = str(config.pop("data", path))
        given = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": data}}}
        made.append(
            ConfigurableTask(config={"task": name, "test_split": "test", **given, **config})
        )
    found = lm_eval.simple_evaluate(
        model=model, tasks=made, bootstrap_iters=0, log_samples=True, verbosity="ERROR"
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def both(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """Our results and the harness's, and where ours lie."""
    out = tmp_path_factory.mktemp("lm-eval")
    os.environ.setdefault("HF_DATASETS_CACHE", str(out / "cache"))
    folder = write_model(out / "random", shared_data / "gpt2")
    tasks = _tasks(shared_data, out)
    tests = [Test(name, path) for name, (path, _) in tasks.items()]
    ours, path = evaluate(out / "data", str(folder), tests)
    return ours, _harness(folder, tasks), path


@pytest.mark.parametrize("task", ["lambada", "piqa", "arc", "hellaswag", "winograd"])
def test_the_same_scores(both: tuple[dict[str, Any], dict[str, Any], Path], task: str) -> None:
    """Every item's log-likelihoods to 1e-4 nats, the greedy flags, the printed aggregates."""
    ours, theirs, path = both
    samples = [
        json.loads(line)
        for line in (path.with_suffix("") / f"samples-{task}.jsonl").read_text().splitlines()
    ]
    by_id = {int(sample["doc_id"]): sample for sample in theirs["samples"][task]}
    assert len(samples) == len(by_id) == ITEMS
    for number, sample in enumerate(samples):
        answers = [tuple(one[0]) for one in by_id[number]["resps"]]
        mine = sample["resps"][: len(answers)]
        for (nats, greedy), (their_nats, their_greedy) in zip(mine, answers, strict=True):
            assert nats == pytest.approx(float(their_nats), abs=1e-4)
            assert str(greedy) == str(their_greedy)
    for name, value in theirs["results"][task].items():
        if name.endswith(",none") and isinstance(value, float) and "stderr" not in name:
            # A random model's perplexity has more digits than fp32.
            form = ".6g" if name.startswith("perplexity") else ".4f"
            assert format(ours["results"][task][name], form) == format(value, form), name


def test_the_same_whole_text(shared_data: Path, tmp_path: Path) -> None:
    """The sum over rolling windows to a millionth, also with a stride of its own."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from webtext_py.evaluate.model import ModelScorer

    folder = write_model(tmp_path / "random", shared_data / "gpt2")
    text = (shared_data / "overlap" / "wikitext-2-raw" / "wiki.test.raw").read_text()[:8000]
    scorer = ModelScorer(folder)
    asked = Instance("loglikelihood_rolling", {}, (text,), 0)
    model = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=8)
    [theirs] = model.loglikelihood_rolling([asked], disable_tqdm=True)
    found = scorer.rolling(text)
    assert math.fsum(found.logprobs) == pytest.approx(theirs, rel=1e-6)
    parts = [scorer.rolling(text, part, 3) for part in range(3)]
    assert list(itertools.chain(*(part.logprobs for part in parts))) == list(found.logprobs)
    strided = scorer.rolling(text, stride=64)
    assert list(strided.starts) == list(found.starts)
    assert math.fsum(strided.logprobs) != math.fsum(found.logprobs)
