"""The batch grows as it says, and every window keeps its number."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch

from webtext_py.train.config import ModelConfig, RunConfig, TrainConfig
from webtext_py.train.distributed import Gradients
from webtext_py.train.metrics import read_metrics, recommended_batch

from .conftest import TINY, Command


def test_batches_grow_in_multiples_of_the_first() -> None:
    """128 to 1,024 tokens over 2,000, in whole batches of 128: 7 steeper steps of 2,000 / 7."""
    run = RunConfig(steps=12, batch_tokens=1024, batch_from=128, ramp_tokens=2000)
    places = TrainConfig(ModelConfig(context=8), run=run).starts()
    tokens, expected = 0, []
    for _ in range(12):
        expected.append(128 * (1 + int(7 * min(1.0, tokens / 2000))))
        tokens += expected[-1]
    assert [8 * (after - before) for before, after in pairwise(places)] == expected
    assert expected[0] == 128
    assert expected[-1] == 1024
    assert expected == sorted(expected)
    plain = TrainConfig(ModelConfig(context=8), run=RunConfig(steps=3, batch_tokens=1024))
    assert plain.starts() == [0, 128, 256, 384]


def test_every_micro_batch_has_the_number_of_its_first_window(
    data: Path, webtext: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    original = Gradients.micro_batch

    def noted(
        self: Gradients, batch: torch.Tensor, number: int, last: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        assert len(batch) == 2
        seen.append(number)
        return original(self, batch, number, last)

    monkeypatch.setattr(Gradients, "micro_batch", noted)
    ramp = ("batch_from=128", "ramp_tokens=600", "micro_batch=2", "eval_every=0", "steps=8")
    ran = webtext("train", "--data", data, *TINY, *ramp, "log_windows=true")
    assert ran.code == 0, ran.err
    lines = read_metrics(data / "runs" / "nano" / "metrics.jsonl")
    counts = [len(line["windows"]) for line in lines]
    assert counts[0] == 4
    assert counts[-1] == 8
    assert seen == list(range(0, sum(counts), 2))
    assert [line["tokens"] for line in lines] == [32 * sum(counts[: i + 1]) for i in range(8)]
    windows = [window for line in lines for window in line["windows"]]
    assert len(set(windows)) == len(windows)


@pytest.mark.parametrize(
    ("scale", "batch"), [(None, None), (0.4, 1), (1.0, 1), (4095.9, 2048), (4096.0, 4096)]
)
def test_the_batch_that_a_noise_scale_recommends(scale: float | None, batch: int | None) -> None:
    assert recommended_batch(scale) == batch
