"""The shards that the last build left, for whoever reads text where none was named."""

from pathlib import Path

from webtext_py.errors import InputError
from webtext_py.layout import SHARDS, TRAIN_SHARDS
from webtext_py.manifest import Manifest


def shards_stage(manifest: Manifest, option: str = "--input") -> str:
    """The finished stage that left `shards/`; `InputError` names the `option` to do without."""
    for name, entry in manifest.stages.items():
        if entry.state == "done" and TRAIN_SHARDS.among(entry.outputs):
            return name
    raise InputError(
        f"`{manifest.path.parent}` has no finished shards and no input was given",
        f"run `webtext build` first, or name text with `{option}`",
    )


def training_shards(data: Path, option: str = "--input") -> tuple[str, list[Path]]:
    """The stage that left the last build's shards, and those for training: held-out ones are seen
    by no vocabulary and no index."""
    manifest = Manifest(data)
    stage = shards_stage(manifest, option)
    found = TRAIN_SHARDS.among(manifest.stages[stage].outputs)
    return stage, [data / name for name in found]


def all_shards(manifest: Manifest, stage: str) -> list[Path]:
    """The shards that a stage left, in the order of their names."""
    data = manifest.path.parent
    return [data / name for name in SHARDS.among(manifest.stages[stage].outputs)]
