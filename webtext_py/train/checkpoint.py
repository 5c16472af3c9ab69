"""Checkpoints: folders that appear whole, with a manifest of digests.

`checkpoints/step-00000500/` holds `model.safetensors` (fp32, the vocabulary without padding),
`objective.safetensors` where more than the model learns, `optimizer.safetensors` (its state, and
the random generators' state) and `manifest.json`. The place in the data is the step itself.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from webtext_py.engine.commit import PART, commit_folder, file_facts, part_folder, sha256_file
from webtext_py.errors import FormatError, InputError

from .export import load_unpadded, on_cpu, save_tensors, unpadded
from .metrics import LOWER
from .model import GPT2
from .objectives import Objective
from .optimizer import Optimizer

FORMAT = 1
_NAME = re.compile(r"step-(\d{8})")


def folders(run: Path) -> list[tuple[int, Path]]:
    """`(step, folder)` of every checkpoint of a run, oldest first."""
    found = [(_NAME.fullmatch(p.name), p) for p in (run / "checkpoints").glob("step-*")]
    return sorted((int(match[1]), path) for match, path in found if match)


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
    run: Path, step: int, objective: Objective, optimizer: Optimizer, facts: Any, keep: int
) -> None:
    """Writes a checkpoint and removes all but the newest `keep`; `facts` go into the manifest."""
    final = run / "checkpoints" / f"step-{step:08}"
    part = part_folder(final)
    save_tensors(unpadded(objective.model), part / "model.safetensors")
    if rest := _rest(objective):
        save_tensors(on_cpu(rest), part / "objective.safetensors")
    state = on_cpu(optimizer.tensors())
    state["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        state["random.cuda"] = torch.cuda.get_rng_state()
    save_tensors(state, part / "optimizer.safetensors")
    files = {path.name: file_facts(path) for path in sorted(part.glob("*.safetensors"))}
    manifest = {"format": FORMAT, "step": step, "files": files, **facts}
    (part / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    commit_folder(part, final)
    for _, old in folders(run)[:-keep]:
        # Renamed first, so that a half-removed folder is never taken for a checkpoint.
        going = old.with_name(f"{PART}{old.name}")
        shutil.rmtree(going, ignore_errors=True)
        old.rename(going)
        shutil.rmtree(going)


def load_model(folder: Path, model: GPT2) -> dict[str, Any]:
    """Puts a checkpoint's weights into `model`; its manifest, once all digests have been found."""
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        if manifest["format"] != FORMAT:
            raise FormatError(f"`{path}` has format {manifest['format']}, expected {FORMAT}")
        files = manifest["files"]
    except (OSError, ValueError, KeyError) as error:
        raise FormatError(f"`{path}` is no checkpoint's manifest: {error!r}") from error
    for name, facts in files.items():
        found = sha256_file(folder / name) if (folder / name).is_file() else "no file"
        if found != facts["sha256"]:
            raise FormatError(
                f"`{folder / name}` is damaged: digest {found}, expected {facts['sha256']}; "
                f"remove `{folder}` to go back to the checkpoint before it"
            )
    load_unpadded(model, load_file(folder / "model.safetensors"), folder / "model.safetensors")
    return manifest


def _rest(objective: Objective) -> dict[str, Tensor]:
    """What learns beside the model."""
    inside = set(objective.model.parameters())
    return {name: p for name, p in objective.learnt().items() if p not in inside}


def load(folder: Path, objective: Objective, optimizer: Optimizer) -> dict[str, Any]:
    """Puts weights, optimizer and random generators where they were; returns the manifest."""
    manifest = load_model(folder, objective.model)
    if rest := _rest(objective):
        found = load_file(folder / "objective.safetensors")
        with torch.no_grad():
            for name, parameter in rest.items():
                parameter.copy_(found[name])
    state = load_file(folder / "optimizer.safetensors")
    torch.set_rng_state(state.pop("random.cpu"))
    random = state.pop("random.cuda", None)
    if random is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(random)
    optimizer.load(state)
    return manifest
