"""Checkpoints: folders that appear whole, with a manifest of digests.

`checkpoints/step-00000500/` holds `model.safetensors` (fp32, the vocabulary without padding),
`objective.safetensors` where more than the model learns, `optimizer.safetensors` (its state) and
`manifest.json`. The place in the data is the step itself, and whatever is drawn hangs on places.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from webtext_py.engine.commit import commit_folder, file_facts, part_folder, sha256_file
from webtext_py.errors import FormatError, InputError

from .export import load_unpadded, save_tensors, unpadded
from .metrics import LOWER
from .model import GPT2
from .objectives import Objective
from .optimizer import Optimizer

FORMAT = 1


def folders(run: Path) -> list[tuple[int, Path]]:
    """`(step, folder)` of every checkpoint of a run, oldest first."""
    found = sorted((run / "checkpoints").glob("step-" + 8 * "[0-9]"))
    return [(int(path.name.removeprefix("step-")), path) for path in found]


def newest(run: Path) -> tuple[int, Path]:
    """The last of them; `InputError` where there is none."""
    if not (saved := folders(run)):
        raise InputError(f"run `{run.name}` has no checkpoint yet")
    return saved[-1]


def check(step: int, optimizer: Optimizer) -> None:
    """Raises `InputError` where a weight or a moment is no number: such a state is never saved."""
    for name, tensor in {**optimizer.named, **optimizer.tensors()}.items():
        if not tensor.isfinite().all():
            raise InputError(f"`{name}` is not finite after step {step}, which is not saved", LOWER)


def save(
    run: Path, step: int, objective: Objective, optimizer: Optimizer, noise: list[float], keep: int
) -> None:
    """Writes a checkpoint and removes all but the newest `keep`; `noise`: of `NoiseScale`."""
    final = run / "checkpoints" / f"step-{step:08}"
    part = part_folder(final)
    save_tensors(unpadded(objective.model), part / "model.safetensors")
    if beside := objective.beside():
        save_tensors(beside, part / "objective.safetensors")
    save_tensors(optimizer.tensors(), part / "optimizer.safetensors")
    files = {path.name: file_facts(path) for path in sorted(part.glob("*.safetensors"))}
    manifest = {"format": FORMAT, "step": step, "files": files, "noise_scale": noise}
    (part / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    commit_folder(part, final)
    for _, old in folders(run)[:-keep]:  # a half-removed one goes at the next save
        shutil.rmtree(old)


def read_document(path: Path, what: str, *keys: str) -> dict[str, Any]:
    """A JSON document of a run; raises `FormatError` where it is none of this format and keys."""
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        found, *_ = (document[key] for key in ("format", *keys))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"`{path}` is no {what}: {error!r}") from error
    if found != FORMAT:
        raise FormatError(f"`{path}` has format {found}, expected {FORMAT}")
    return document


def load_model(folder: Path, model: GPT2) -> dict[str, Any]:
    """Puts a checkpoint's weights into `model`; its manifest, once all digests have been found."""
    keys = "step", "files", "noise_scale"
    manifest = read_document(folder / "manifest.json", "checkpoint's manifest", *keys)
    for name, facts in manifest["files"].items():
        found = sha256_file(folder / name) if (folder / name).is_file() else "no file"
        if found != facts["sha256"]:
            raise FormatError(
                f"`{folder / name}` is damaged: digest {found}, expected {facts['sha256']}; "
                f"remove `{folder}` to go back to the checkpoint before it"
            )
    load_unpadded(model, load_file(folder / "model.safetensors"), folder / "model.safetensors")
    return manifest


def load(folder: Path, objective: Objective, optimizer: Optimizer) -> dict[str, Any]:
    """Puts weights and optimizer where they were; returns the manifest."""
    manifest = load_model(folder, objective.model)
    if beside := objective.beside():
        found = load_file(folder / "objective.safetensors")
        with torch.no_grad():
            for name, parameter in beside.items():
                parameter.copy_(found[name])
    optimizer.load(load_file(folder / "optimizer.safetensors"))
    return manifest
