"""A run's folder.

`runs/NAME/` holds `run.json` (settings and fingerprints), `tokenizer/`, `checkpoints/`,
`metrics.jsonl` and `loss.png`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from webtext_py.bpe.encode_stage import open_tokenizer
from webtext_py.defaults import ENDOFTEXT
from webtext_py.engine.commit import commit_folder, part_folder, sha256_file, write_json
from webtext_py.errors import ConfigError, InputError, StaleError
from webtext_py.tokenizer import Tokenizer, copy_vocabulary
from webtext_py.train import checkpoint
from webtext_py.train.config import TrainConfig
from webtext_py.train.distributed import find_device
from webtext_py.train.export import export, load_hugging_face
from webtext_py.train.model import GPT2
from webtext_py.train.sample import generate

from .settings import MAY_CHANGE, Settings


def create(run: Path, config: TrainConfig, tokenizer: Path, facts: Any, replace: bool) -> None:
    """Makes the folder of a new run, with `replace` in the place of an old one."""
    if run.exists() and not replace:
        raise InputError(
            f"run `{run.name}` exists",
            hint="`--resume` goes on with it, `--run NAME` begins another, `--force` begins anew",
        )
    if run.exists() and not (run / "run.json").is_file():
        raise InputError(f"`{run}` is no run: `--force` replaces nothing else")
    part = part_folder(run)
    copy_vocabulary(tokenizer, part / "tokenizer")
    document = {"format": checkpoint.FORMAT, "config": asdict(config), "data": facts}
    write_json(part / "run.json", document)
    commit_folder(part, run, replace)


def go_on(run: Path, facts: Mapping[str, Any], steps: int, first: bool) -> None:
    """Raises `StaleError` where a run would go on with other inputs than it began with; the first
    process notes to how many steps it goes on."""
    document = read_run(run)
    began, settings = document["data"], document["config"]["run"]
    for name in sorted(began.keys() | facts.keys()):
        was, now = began.get(name, "none"), facts.get(name, "none")
        other = f"other {name} tokens" if name in ("training", "validation") else f"another {name}"
        if was != now:
            raise StaleError(
                f"run `{run.name}` began with {other}: fingerprint {was}, now {now}",
                hint="give it the same files, or begin another run with `--run NAME`",
            )
    if first and settings["steps"] != steps:
        settings["steps"] = steps
        write_json(run / "run.json", document)


def read_run(run: Path) -> dict[str, Any]:
    """`run.json` of a run; raises `InputError` where there is none."""
    if not (run / "run.json").is_file():
        raise InputError(f"there is no run in `{run}`", hint="`webtext train` makes one")
    return checkpoint.read_document(run / "run.json", "run's")


def run_settings(run: Path) -> Settings:
    """The settings that a run was begun with."""
    settings = Settings()
    settings.update(read_run(run)["config"], f"run {run.name}")
    return settings


def find_run(data: Path, name: str) -> Path:
    """The folder of a run given by name or as a folder."""
    named = data / "runs" / name
    return named if named.is_dir() or not Path(name).is_dir() else Path(name)


def only_run(folder: Path) -> Path:
    """The run that lies in `folder`; `InputError` where it is not one."""
    runs = sorted(path.parent for path in folder.glob("[!.]*/run.json"))
    if len(runs) != 1:
        names = ", ".join(run.name for run in runs) or "none"
        raise InputError(f"`--resume` needs `--run NAME`: the runs here are {names}")
    return runs[0]


def recorded_settings(run: Path, asked: Settings) -> Settings:
    """Settings of a run to resume; what was asked for may differ only where no weight depends.

    Raises `ConfigError` for anything else, and where a run cannot go on to so many `steps` as if it
    had begun with them.
    """
    settings = run_settings(run)
    values, done = settings.values, max((step for step, _ in checkpoint.folders(run)), default=0)
    for key, value in asked.values.items():
        found = f"`{key}` is {values.get(key)} in run `{run.name}`, not {value}"
        if value == values.get(key) or key in MAY_CHANGE:
            pass
        elif key != "steps":
            hint = "leave it out to resume, or begin another run with `--run NAME`"
            raise ConfigError(found, hint)
        elif value < done:
            raise ConfigError(f"{found}, and {done} are done")
        elif done > values["warmup_steps"] and values["min_lr_ratio"] != 1:
            raise ConfigError(
                f"{found}: the learning rate of the {done} steps done followed from that number",
                hint=f"`webtext export {run.name} FOLDER`, then `webtext train --init-from FOLDER`,"
                " trains on; with `min_lr_ratio=1` a run can be made longer",
            )
        settings.set(key, value, asked.sources[key])
    return settings


def need_causal(run: Path, command: str) -> None:
    """Raises `InputError` where `command` can do nothing with a run, since its model predicts no
    next token: it writes no text and scores none."""
    config = run_settings(run).config()
    if not config.model.causal:
        raise InputError(
            f"run `{run.name}` has the objective {config.objective.objective}: it predicts no next "
            f"token, as `webtext {command}` needs",
            hint="train one with `objective=causal`, `distilbert` or `tinybert`",
        )


def open_model(run: Path, device: str = "cpu") -> tuple[GPT2, Tokenizer, int]:
    """The model of a run's newest checkpoint, its tokenizer, and the step."""
    step, folder = checkpoint.newest(run)
    model = GPT2(run_settings(run).config().model)
    checkpoint.load_model(folder, model)
    return model.to(find_device(device)).eval(), open_tokenizer(run / "tokenizer")[0], step


def open_teacher(data: Path, name: str, tokenizer: Tokenizer) -> tuple[GPT2, str]:
    """The causal model of a run or of a Hugging Face folder, and its digest.

    Raises `InputError` where it is neither, or its tokenizer is another than `tokenizer`.
    """
    folder = find_run(data, name)
    if (folder / "run.json").is_file():
        need_causal(folder, "train teacher=")
        model, theirs, _ = open_model(folder)
        if theirs.digest != tokenizer.digest:
            raise InputError(f"run `{folder.name}` has another tokenizer than this run")
        folder = checkpoint.newest(folder)[1]
    else:
        model = load_hugging_face(folder)
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
    model, tokenizer, step = open_model(run)
    export(model, folder, run / "tokenizer", tokenizer.special[ENDOFTEXT], replace=force)
    return step, model.config.parameters()


def sample_run(run: Path, prompt: str, device: str, **options: Any) -> tuple[list[str], int]:
    """Texts that follow `prompt`, and the checkpoint's step; options as in `sample.generate`.

    Each begins a document; it ends at the next `<|endoftext|>` or after `length` tokens.
    """
    need_causal(run, "sample")
    model, tokenizer, step = open_model(run, device)
    end = tokenizer.special[ENDOFTEXT]
    ids = [end, *tokenizer.encode(prompt).tolist()]
    texts = [t[: t.index(end)] if end in t else t for t in generate(model, ids, **options)]
    return [tokenizer.decode(text) for text in texts], step
