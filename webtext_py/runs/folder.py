"""A run's folder.

`runs/NAME/` holds `run.json` (settings and fingerprints), `tokenizer/`, `checkpoints/`,
`metrics.jsonl` and `loss.png`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from webtext_py.engine.commit import PART, commit_folder, part_folder, sha256_file, write_json
from webtext_py.errors import ConfigError, InputError
from webtext_py.train import checkpoint
from webtext_py.train.config import TrainConfig
from webtext_py.train.distributed import find_device
from webtext_py.train.export import export, load_hugging_face, read_config
from webtext_py.train.model import GPT2
from webtext_py.train.sample import generate

from .inputs import RunTokenizer
from .settings import MAY_CHANGE, Settings

FORMAT = 1


def create(
    run: Path, config: TrainConfig, tokenizer: RunTokenizer, facts: Any, replace: bool = False
) -> None:
    """Makes the folder of a new run, with `replace` in the place of an old one."""
    if run.exists() and not replace:
        raise InputError(
            f"run `{run.name}` exists",
            hint="`--resume` goes on with it, `--run NAME` begins another, `--force` begins anew",
        )
    if run.exists() and not (run / "run.json").is_file():
        raise InputError(f"`{run}` is no run: `--force` replaces nothing else")
    part = part_folder(run)
    (part / "tokenizer").mkdir()
    for name, content in tokenizer.files().items():
        (part / "tokenizer" / name).write_bytes(content)
    write_json(part / "run.json", {"format": FORMAT, "config": config.as_dict(), "data": facts})
    commit_folder(part, run, replace)


def record_steps(run: Path, steps: int) -> None:
    """Writes into `run.json` that a run goes on to another number of steps."""
    document = read_run(run)
    if document["config"]["run"]["steps"] != steps:
        document["config"]["run"]["steps"] = steps
        write_json(run / "run.json", document)


def read_run(run: Path) -> dict[str, Any]:
    """`run.json` of a run; raises `InputError` where there is none."""
    try:
        document: dict[str, Any] = json.loads((run / "run.json").read_bytes())
        if document["format"] != FORMAT:
            raise InputError(f"`{run}` has format {document['format']}, expected {FORMAT}")
    except FileNotFoundError:
        raise InputError(f"there is no run in `{run}`", hint="`webtext train` makes one") from None
    except (ValueError, KeyError) as error:
        raise InputError(f"`{run / 'run.json'}` is not a run's: {error!r}") from error
    return document


def run_config(run: Path) -> TrainConfig:
    """The configuration that a run was begun with."""
    settings = Settings()
    settings.update(read_run(run)["config"], f"run {run.name}")
    return settings.config()


def find_run(data: Path, name: str) -> Path:
    """The folder of a run given by name or as a folder."""
    named = data / "runs" / name
    return named if named.is_dir() or not Path(name).is_dir() else Path(name)


def only_run(folder: Path) -> Path:
    """The run that lies in `folder`; `InputError` where it is not one."""
    found = sorted(path.parent for path in folder.glob("*/run.json"))
    runs = [run for run in found if not run.name.startswith(PART)]
    if len(runs) != 1:
        names = ", ".join(run.name for run in runs) or "none"
        raise InputError(f"`--resume` needs `--run NAME`: the runs here are {names}")
    return runs[0]


def recorded_settings(run: Path, asked: Settings) -> Settings:
    """Settings of a run to resume; what was asked for may differ only where no weight depends."""
    settings = Settings()
    settings.update(read_run(run)["config"], f"run {run.name}")
    for key, value in asked.values.items():
        if key == "steps" and value != settings.values[key]:
            _check_steps(run, settings.values, value)
        elif value != settings.values[key] and key not in MAY_CHANGE:
            raise ConfigError(
                f"`{key}` is {settings.values[key]} in run `{run.name}`, not {value}",
                hint="leave it out to resume, or begin another run with `--run NAME`",
            )
        settings.set(key, value, asked.sources[key])
    return settings


def _check_steps(run: Path, values: Mapping[str, Any], steps: int) -> None:
    """Raises `ConfigError` where a run cannot go on to `steps` as if it had begun with them."""
    done = max((step for step, _ in checkpoint.folders(run)), default=0)
    found = f"`steps` is {values['steps']} in run `{run.name}`, not {steps}"
    if steps < done:
        raise ConfigError(f"{found}, and {done} are done")
    if done > values["warmup_steps"] and values["min_lr_ratio"] != 1:
        raise ConfigError(
            f"{found}: the learning rate of the {done} steps done followed from that number",
            hint=f"`webtext export {run.name} FOLDER`, then `webtext train --init-from FOLDER`, "
            "trains on; with `min_lr_ratio=1` a run can be made longer",
        )


def is_causal(run: Path) -> bool:
    """Whether a run's model predicts the next token: else it writes no text and scores none."""
    causal: bool = read_run(run)["config"]["model"].get("causal", True)  # before there were others
    return causal


def need_causal(run: Path, command: str) -> None:
    """Raises `InputError` where `command` can do nothing with a run, since it is not causal."""
    if not is_causal(run):
        kind = read_run(run)["config"]["objective"]["objective"]
        raise InputError(
            f"run `{run.name}` has the objective {kind}: it predicts no next token, as "
            f"`webtext {command}` needs",
            hint="train one with `objective=causal`, `distilbert` or `tinybert`",
        )


def open_model(run: Path, device: str = "cpu") -> tuple[GPT2, RunTokenizer, int]:
    """The model of a run's newest checkpoint, its vocabulary, and the step."""
    saved = checkpoint.folders(run)
    if not saved:
        raise InputError(f"run `{run.name}` has no checkpoint yet")
    step, folder = saved[-1]
    checkpoint.read_manifest(folder)
    model = GPT2(run_config(run).model)
    checkpoint.load_model(folder, model)
    return model.to(find_device(device)).eval(), RunTokenizer(run / "tokenizer"), step


def open_teacher(folder: Path, tokenizer: RunTokenizer) -> tuple[GPT2, str]:
    """The causal model of a run or of a Hugging Face folder, and its digest.

    Raises `InputError` where it is neither, or its tokenizer is another than `tokenizer`.
    """
    if (folder / "run.json").is_file():
        need_causal(folder, "train teacher=")
        model, theirs, _ = open_model(folder)
        if theirs.tokenizer.digest != tokenizer.tokenizer.digest:
            raise InputError(f"run `{folder.name}` has another tokenizer than `{tokenizer.path}`")
        return model, sha256_file(checkpoint.folders(folder)[-1][1] / "model.safetensors")
    if not (folder / "config.json").is_file():
        raise InputError(f"`{folder}` is no teacher, expected a run or a Hugging Face folder")
    model = GPT2(read_config(folder))
    load_hugging_face(model, folder)
    return model, sha256_file(folder / "model.safetensors")


def export_run(run: Path, folder: Path, force: bool) -> tuple[int, int]:
    """Writes a run's newest checkpoint as a Hugging Face folder; returns step and parameters.

    With `force` an earlier export is replaced; no other folder is.
    """
    folder = folder.resolve()
    model_files = (folder / "config.json", folder / "model.safetensors")
    if force and folder.exists() and not all(path.is_file() for path in model_files):
        raise InputError(
            f"`{folder}` is no earlier export: it lacks config.json or model.safetensors",
            hint="export to a new folder; `--force` replaces nothing but a model",
        )
    need_causal(run, "export")
    model, vocabulary, step = open_model(run)
    files = vocabulary.hugging_face(model.config.context)
    export(model, folder, files, vocabulary.end_of_text, replace=force)
    return step, model.config.parameters()


def sample_run(run: Path, prompt: str, device: str, **options: Any) -> tuple[list[str], int]:
    """Texts that follow `prompt`, and the checkpoint's step; options as in `sample.generate`.

    Each begins a document; it ends at the next `<|endoftext|>` or after `length` tokens.
    """
    need_causal(run, "sample")
    model, vocabulary, step = open_model(run, device)
    ids = [vocabulary.end_of_text, *vocabulary.tokenizer.encode(prompt).tolist()]
    made = [list(text) for text in zip(*generate(model, ids, **options), strict=True)]
    end = vocabulary.end_of_text
    texts = [text[: text.index(end)] if end in text else text for text in made]
    return [vocabulary.tokenizer.decode(text) for text in texts], step
