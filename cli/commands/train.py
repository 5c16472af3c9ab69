"""`webtext train`, `sample`, `export`: the bundled trainer."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..config_file import chosen_file, config_options, show, show_wanted
from ..options import Call, command, data_options, shared_options
from ..output import Progress, console, echo, print_json
from ..parameters import PATH, POSITIVE, option

EPILOG_TRAIN = """\b
Examples:
  webtext train
  webtext train --preset gpt2 --steps 20000 lr=6e-4
  webtext train --tokens fineweb/ --tokenizer gpt2/ --val-fraction 0.001
  webtext train --resume
  torchrun --nproc-per-node 8 --no-python -- webtext train --preset gpt2
"""


@command(epilog=EPILOG_TRAIN)
@data_options
@partial(config_options, own_table=False)
@option("--tokens", type=PATH, help="Parquet of ids or text [DATA/tokens].")
@option("--text-field", default="text", help="Column, if it is text.")
@option("--tokenizer", type=PATH, help="[DATA/tokenizer]")
@option("--val-tokens", type=PATH, help="Parquet of ids or text to validate on.")
@option("--val-fraction", type=float, help="Share of the tokens to hold out instead.")
@option("--preset", help="Size: nano, gpt2, gpt2-medium, ...  [default: by tokens, device]")
@option("--steps", type=int, help="Optimizer steps [default: the preset's].")
@option("--optimizer", help="adamw or muon [adamw].")
@option("--device", help="cuda, cpu or auto [auto].")
@option("--exact", is_flag=True, help="Same bits for 1, 2, 4, ... processes.")
@option("--doc-mask", is_flag=True, help="No attention across documents.")
@option("--no-compile", is_flag=True, help="Do without torch.compile.")
@option("--tensorboard", is_flag=True, help="Write TensorBoard's files too.")
@option("--run", help="Name of the run [default: the preset's].")
@option("--resume", is_flag=True, help="Go on from the newest checkpoint.")
@option(
    "--init-from",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Start from a Hugging Face GPT-2 folder.",
)
@option("--force", is_flag=True, help="Begin a run of the same name anew.")
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
def train(call: Call, pairs: tuple[str, ...], **options: Any) -> None:
    """Train GPT-2 on the token shards.

    Takes what `webtext build` and `webtext bpe train` left, or any Parquet of token ids with
    `--tokens` and `--tokenizer`. Every setting is a KEY=VALUE; `--show-config` lists them.
    """
    from webtext_py.extras import require

    require("train")
    from webtext_py.runs.command import Request, carry_out, prepare
    from webtext_py.train.metrics import recommended_batch

    context = click.get_current_context()
    own = ("tokens", "tokenizer", "val_tokens", "text_field", "run", "resume", "init_from", "force")
    asked = {name: options.pop(name) for name in own}
    settings, show_config = read_settings(context, pairs, options), show_wanted(context)
    with Training(quiet=call.quiet) as progress:
        request = Request(data=call.data, settings=settings, observer=progress, **asked)
        if show_config:
            _, settings, *_ = prepare(request, progress.tell, make=False)
        else:
            run, last, config = carry_out(request, progress.tell, progress.line)
    if show_config:
        show(list(settings.rows()), "train", call.as_json)
        return
    if progress.silent:
        return
    if last["step"] < config.run.steps:
        echo(f"saved step {last['step']} of `{run}`; `--resume` goes on", err=True)
        raise KeyboardInterrupt
    summary = {
        "run": str(run),
        "preset": config.run.preset,
        "parameters": config.model.parameters(),
        "step": last["step"],
        "steps": config.run.steps,
        **{k: v for k, v in last.items() if k not in ("step", "windows")},
        "batch_recommended": recommended_batch(last.get("noise_scale")),
    }
    call.answer(summary, *_lines(summary))


def _lines(summary: dict[str, Any]) -> Iterator[str]:
    shown = ["run", "parameters", "step", "loss", "val_loss", "val_bits_per_byte"]
    for key in [*shown, "noise_scale", "batch_recommended"]:
        value = summary.get(key)
        if value is not None:
            yield f"{key}: {value:.4f}" if isinstance(value, float) else f"{key}: {value}"


class Training(Progress):
    """Bars of the making of tokens, then one with loss and speed; on stderr.

    Without a terminal a line ten times a run and at each validation. Of several processes the first
    speaks for all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self.silent = os.environ.get("RANK", "0") != "0"
        quiet = quiet or self.silent
        super().__init__(quiet=quiet)
        self.console = console(stderr=True, quiet=quiet)
        self.bar = Bars(
            TextColumn("step {task.completed:,.0f}/{task.total:,.0f}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task: Any = None

    def __exit__(self, *error: Any) -> None:
        self.bar.stop()
        super().__exit__(*error)

    def tell(self, note: str) -> None:
        """Something to know before the first step."""
        self.console.print(note, markup=False, soft_wrap=True)

    def line(self, line: dict[str, Any], steps: int) -> None:
        """A step is done: its line of metrics.jsonl."""
        text = f"loss {line['loss']:.3f}  {line['tokens_per_s']:,.0f} tokens/s"
        if line["mfu"]:
            text += f"  MFU {line['mfu']:.1%}"
        if line["noise_scale"]:
            text += f"  noise scale {line['noise_scale']:,.0f}"
        if self.console.is_terminal:
            if self.task is None:
                super().__exit__()  # its bars and ours cannot both be live
                self.bar.start()
                self.task = self.bar.add_task("", total=steps)
            self.bar.update(self.task, total=steps, completed=line["step"], description=text)
        elif line["step"] % max(1, steps // 10) == 0:
            self.tell(f"step {line['step']:,}/{steps:,}  {text}")
        if "val_loss" in line:
            bits = line.get("val_bits_per_byte")  # of causal models alone
            said = f"validation {line['val_loss']:.4f}"
            said += "" if bits is None else f", {bits:.4f} bits per byte"
            self.tell(f"step {line['step']:,}  {said}")


def read_settings(context: click.Context, pairs: tuple[str, ...], options: dict[str, Any]) -> Any:
    from webtext_py.errors import ConfigError
    from webtext_py.runs.settings import Settings
    from webtext_py.settings_file import load_toml

    settings = Settings()
    path, whole = chosen_file(context)
    if path is not None:
        table = load_toml(path)  # whose tables have been looked at
        settings.update(table if whole else table.get("train", {}), f"`{path}`")
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign:
            raise ConfigError(f"`{pair}` is not KEY=VALUE", hint="for example `lr=3e-4`")
        settings.set(key, value, "command line")
    if options.pop("no_compile", False):
        settings.set("compile", "off", "command line")
    for key, value in options.items():
        if value is not None and value is not False:
            settings.set(key, value, "command line")
    return settings


@command(
    epilog="""\b
Examples:
  webtext sample nano --prompt "The news today"
  webtext sample gpt2 --samples 3 --top-p 0.9 --seed 7
"""
)
@shared_options
@click.argument("run")
@option(
    "--prompt",
    default="",
    help="Text to go on from [default: a document's start].",
    show_default=False,
)
@option("--length", type=POSITIVE, default=100, help="Tokens to add.")
@option("--samples", type=POSITIVE, default=1, show_default=True)
@option("--temperature", type=float, default=1.0, help="0: the likeliest.")
@option("--top-k", type=int, default=0, help="Likeliest ids kept; 0: all.")
@option("--top-p", type=float, default=1.0, help="Probability kept; 1: all.")
@option("--seed", type=int, default=0, show_default=True)
@option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
def sample(call: Call, run: str, prompt: str, device: str, **options: Any) -> None:
    """Generate text from a trained run.

    RUN is a name below DATA/runs or a folder.
    """
    from webtext_py.extras import require

    require("train")
    from webtext_py.runs.folder import find_run, sample_run

    texts, step = sample_run(find_run(call.data, run), prompt, device, **options)
    if call.as_json:
        return print_json({"run": run, "step": step, "prompt": prompt, "samples": texts})
    for i, text in enumerate(texts):
        if i:
            echo("---")
        echo(prompt + text)
    return None


@command(
    epilog="""\b
Example:
  webtext export nano my-model
"""
)
@shared_options
@click.argument("run")
@click.argument("folder", type=click.Path(path_type=Path))
@option("--force", is_flag=True, help="Replace FOLDER, an earlier export.")
def export(call: Call, run: str, folder: Path, force: bool) -> None:
    """Write a run as a Hugging Face GPT-2 folder.

    RUN is a name below DATA/runs or a folder. `GPT2LMHeadModel.from_pretrained(FOLDER)` opens the
    result, `webtext train --init-from FOLDER` trains on from it.
    """
    from webtext_py.extras import require

    require("train")
    from webtext_py.runs.folder import export_run, find_run

    step, parameters = export_run(find_run(call.data, run), folder, force)
    document = {"run": run, "step": step, "parameters": parameters, "folder": str(folder)}
    call.answer(document, f"{folder}: step {step}, {parameters:,} parameters")
