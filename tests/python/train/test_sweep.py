"""Sweeps and pictures: planted powers, runs as single ones, what is drawn."""

import hashlib
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from webtext_py.errors import InputError
from webtext_py.runs.sweep import fit_power
from webtext_py.train.checkpoint import folders
from webtext_py.train.metrics import read_metrics

from .conftest import Command
from .test_train import untimed

SIZES = ("layers=1", "heads=1", "context=16", "batch_tokens=256", "device=cpu", "eval_every=8")


@pytest.mark.parametrize("exponent", [0.05, 0.095, 0.5])
def test_a_planted_exponent_lies_in_its_interval(exponent: float) -> None:
    """In 95 of 100 with noise; exactly without."""
    sizes = np.array([1e5, 3e5, 1e6, 4e6, 1.2e7])
    exact = fit_power(sizes, 7 * sizes**-exponent)
    assert exact.exponent == pytest.approx(exponent, rel=1e-9)
    assert exact.factor == pytest.approx(7, rel=1e-9)
    generator = np.random.default_rng(0)
    inside, widths = 0, []
    for _ in range(300):
        noisy = 7 * sizes**-exponent * np.exp(generator.normal(0, 0.02, 5))
        fit = fit_power(sizes, noisy)
        assert fit.interval is not None
        low, high = fit.interval
        inside += low < exponent < high
        widths.append(high - low)
    assert 0.92 < inside / 300 < 0.98
    assert np.median(widths) < 0.05


def test_two_sizes_have_no_interval_and_one_no_power() -> None:
    assert fit_power([1, 10], [2, 1]).interval is None
    with pytest.raises(InputError, match="at least two sizes"):
        fit_power([5, 5], [2, 1])


def test_a_sweep_is_its_runs(webtext: Command, data: Path) -> None:
    words = ("--data", data, *SIZES)
    ran = webtext("sweep", "--presets", "nano,micro,mini", "--tokens", 4200, *words, "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    single = webtext("train", "--preset", "micro", "--steps", 16, "--run", "alone", *words)
    assert single.code == 0, single.err
    runs = [data / "runs" / name for name in ("sweep-micro", "alone")]
    for name in ("model.safetensors", "optimizer.safetensors"):
        one, two = (folders(run)[-1][1] / name for run in runs)
        assert one.read_bytes() == two.read_bytes()
    logs = [untimed(read_metrics(run / "metrics.jsonl")) for run in runs]
    assert logs[0] == logs[1]
    assert [row["run"] for row in document["runs"]] == ["sweep-nano", "sweep-micro", "sweep-mini"]
    assert all(row["tokens"] == 4096 for row in document["runs"])
    assert document["runs"][1]["val_loss"] == logs[0][-1]["val_loss"]
    sizes = [row["parameters"] for row in document["runs"]]
    losses = [row["val_loss"] for row in document["runs"]]
    slope, _ = np.polyfit(np.log(sizes), np.log(losses), 1)
    assert document["fits"]["parameters"]["exponent"] == pytest.approx(-slope, rel=1e-6)
    low, high = document["fits"]["flops"]["interval"]
    assert low < document["fits"]["flops"]["exponent"] < high
    kept = json.loads((data / "sweeps" / "sweep.json").read_bytes())
    assert kept == document
    for kind in ("png", "svg"):
        assert (data / "sweeps" / f"sweep.{kind}").stat().st_size > 5000
    # What is done stays; other settings under the same name are refused.
    before = {path: path.read_bytes() for path in (data / "runs").rglob("*.safetensors")}
    again = webtext("sweep", "--tokens", 4200, *words, "--json")
    assert json.loads(again.out) == document
    assert {path: path.read_bytes() for path in before} == before
    other = webtext("sweep", "--tokens", 4200, *words, "lr=1e-4")
    assert (other.code, "`lr` is 0.003 in run `sweep-nano`" in other.err) == (2, True), other.err
    unknown = webtext("sweep", "--presets", "nano,huge", "--tokens", 4200, *words)
    assert (unknown.code, "preset `huge` is unknown" in unknown.err) == (2, True)


def texts(path: Path) -> str:
    """What a picture says; matplotlib keeps every text as a comment beside its outlines."""
    content = path.read_text()
    assert ElementTree.fromstring(content).tag.endswith("svg")
    return content


def test_pictures_of_runs(webtext: Command, data: Path) -> None:
    for name, extra in (("one", "micro_batch=4"), ("two", "micro_batch=2")):
        words = ("train", "--data", data, *SIZES, "width=16", "steps=8", "--run", name, extra)
        assert webtext(*words).code == 0
    ran = webtext("plot", "one", "--data", data, "--json")
    assert ran.code == 0, ran.err
    alone = [data / "runs" / "one" / f"plot.{kind}" for kind in ("png", "svg")]
    assert json.loads(ran.out) == {"runs": ["one"], "pictures": [str(path) for path in alone]}
    assert alone[0].read_bytes().startswith(b"\x89PNG")
    said = texts(alone[1])
    for label in ("loss (nats per token)", "learning rate", "gradient norm", "bits per byte"):
        assert label in said
    assert "noise scale, and batch" in said
    digest = hashlib.sha256(said.encode()).hexdigest()
    assert webtext("plot", "one", "--data", data).code == 0
    assert hashlib.sha256(texts(alone[1]).encode()).hexdigest() == digest
    both = webtext("plot", "one", data / "runs" / "two", "--data", data, "--out", data / "both")
    assert both.code == 0, both.err
    assert {"one", "two"} <= set(texts(data / "both.svg").replace("-->", "").split())
    missing = webtext("plot", "three", "--data", data)
    assert (missing.code, "there is no run in" in missing.err) == (1, True)
    (data / "runs" / "two" / "metrics.jsonl").write_text("")
    empty = webtext("plot", "two", "--data", data)
    assert (empty.code, "run `two` has no step to draw yet" in empty.err) == (1, True)
