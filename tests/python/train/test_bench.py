"""`benches/train_gpu.py` on a CPU: every stage that needs no GPU, each stored as it ends."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import webtext_py

BENCH = Path(__file__).parents[3] / "benches" / "train_gpu.py"
SMALL = ("--device=cpu", "--preset=nano-xs", "--vocab-size=300", "--steps=2", "--warmup=1",
         "--micro-batch=4", "--batch-tokens=512", "--no-compile")  # fmt: skip


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, its children in this process."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("train_gpu", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def child(words: list[str], seconds: float) -> dict[str, Any]:
        if "late" in words:
            return run(words, 0.5)
        with monkeypatch.context() as patch:
            said: list[str] = []
            patch.setattr(module, "print", lambda line: said.append(line), raising=False)
            patch.setattr(sys, "argv", words[1:])
            module.main()
        found: dict[str, Any] = json.loads(said[-1])
        return found

    run = module._child
    monkeypatch.setattr(module, "_child", child)
    return module  # type: ignore[no-any-return]


def test_stages_are_stored_as_they_end(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.json"
    words = [str(BENCH), *SMALL, "--out", str(out), "--llmc", "echo 'step 1/2 | 1,234 tok/s'"]
    monkeypatch.setattr(sys, "argv", words)
    stored, child = [], bench._child

    def watched(words: list[str], seconds: float) -> dict[str, Any]:
        stored.append(list(json.loads(out.read_text())["stages"]) if out.exists() else [])
        return child(words, seconds)  # type: ignore[no-any-return]

    monkeypatch.setattr(bench, "_child", watched)
    try:
        bench.main()
    finally:
        torch.use_deterministic_algorithms(False)
    document = json.loads(out.read_text())
    stages = document["stages"]
    assert list(stages) == [
        "matrix", "ours", "nanogpt", "attention", "resume", "loss", "plain", "llmc", "variants",
    ]  # fmt: skip
    assert stored == [list(stages)[:i] for i in range(9)]  # what ended before each began
    assert all(value > 0 for value in stages["matrix"]["tflops"].values())
    assert stages["attention"]["flex"] == "no backward pass on a CPU"
    assert {"scatter_8192", "8192"} <= stages["loss"]["rows"].keys()
    for name in ("ours", "plain"):
        assert stages[name]["tokens_per_s"] > 0
        assert len(stages[name]["losses"]) == 3
    assert abs(stages["ours"]["losses"][0] - stages["plain"]["losses"][0]) < 0.3
    assert stages["ours"]["reckoned_gib"]["state"] > 0
    assert "has no model.py" in stages["nanogpt"]["skipped"]
    assert stages["llmc"] == {"tokens_per_s": 1234}
    assert stages["resume"] == {"bitwise": True}
    variants = stages["variants"]
    named = ("bias", "no_bias", "qkv_copy", "head_bf16", "head_fp8", "collect", "collect_frozen")
    assert variants["ms"].keys() == set(named)
    assert variants["frozen"] > 100_000  # objects that a collection passes over
    assert variants["seconds"]["copy"] > 0
    assert variants["seconds"]["checkpoint"] > 0
    assert document["goals"]["resume"] is True
    assert document["goals"]["memory"] is None  # of a GPU alone
    assert document["goals"]["tokens_per_s"] is False


def test_a_stage_without_time_says_so(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert bench._child(["late"], 0.5) == {"skipped": "no time left"}
    waits = [sys.executable, "-c", "import time; time.sleep(600)"]
    assert "not done in the 1 s" in bench._child(waits, 1.2)["skipped"]
    fails = [sys.executable, "-c", "raise SystemExit('no room')"]
    assert bench._child(fails, 300) == {"failed": "no room"}


def test_no_compiled_core_is_needed(tmp_path: Path) -> None:
    package = Path(webtext_py.__file__).parent
    unwanted = shutil.ignore_patterns("*.so", "demo", "__pycache__", "cli", "stages")
    shutil.copytree(package, tmp_path / "webtext_py", ignore=unwanted)
    (tmp_path / "benches").mkdir()
    shutil.copy(BENCH, tmp_path / "benches")
    done = subprocess.run(
        [sys.executable, "-P", str(tmp_path / "benches" / BENCH.name), "--help"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "stage by stage" in done.stdout
