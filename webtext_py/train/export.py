"""To and from the form that `transformers` and OpenAI's released weights have.

A folder with `config.json`, `model.safetensors` and the tokenizer's files. Their linear layers
store `(in, out)`, ours `(out, in)`; the padded vocabulary is cut off on the way out.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from webtext_py.engine.commit import commit_folder, part_folder
from webtext_py.errors import FormatError, InputError

from .config import ModelConfig, check
from .model import GPT2

PREFIX = "transformer."
_TURNED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
_SHAPE = ("n_layer", "n_head", "n_embd", "n_positions", "vocab_size")  # as `ModelConfig` begins


def unpadded(model: GPT2) -> dict[str, Tensor]:
    """Every weight by its name, once where layers share it, without the embedding's padding."""
    state: dict[str, Tensor] = dict(model.named_parameters())
    state["wte.weight"] = state["wte.weight"][: model.config.vocabulary()]
    return state


@torch.no_grad()
def load_unpadded(model: GPT2, state: dict[str, Tensor], source: Path) -> None:
    """Copies weights of `unpadded` form into `model`, padding rows zero; exact in fp32.

    Raises `FormatError` naming the first weight missing, unknown, of another shape or no number.
    """
    mine = unpadded(model)
    odd = sorted(mine.keys() ^ state.keys())
    if odd:
        what = "lacks" if odd[0] in mine else "has the unknown"
        raise FormatError(f"`{source}` {what} weight `{odd[0]}`, expected GPT-2's weights")
    model.wte.weight[model.config.vocabulary() :] = 0
    for name, target in mine.items():
        found, wanted = tuple(state[name].shape), tuple(target.shape)
        if found != wanted:
            raise FormatError(f"weight `{name}` in `{source}` has shape {found}, expected {wanted}")
        if not state[name].isfinite().all():
            raise FormatError(f"weight `{name}` in `{source}` is not finite: nothing runs on it")
        target.copy_(state[name])


@torch.no_grad()
def export(
    model: GPT2, folder: Path, tokenizer: Path | None, end_of_text: int, replace: bool = False
) -> None:
    """Writes `model` as a stock Hugging Face GPT-2 folder, in fp32, whole or not at all.

    Layers share nothing there, the embedding is in one piece, and the files of `tokenizer` lie
    beside it. Raises `InputError` where no stock GPT-2 computes the same.
    """
    if folder.exists() and not replace:
        raise InputError(f"`{folder}` exists", hint="export to a new folder, or pass `--force`")
    shape, state = model.config, dict(model.state_dict())
    if shape.band or not shape.causal:
        odd = f"a band of {shape.band} tokens" if shape.band else "attention to later tokens"
        raise InputError(f"GPT-2 has no {odd}: no other program would read this model right")
    state["wte.weight"] = state["wte.weight"][: shape.vocab_size]
    if (widen := state.pop("widen.weight", None)) is not None:
        state["wte.weight"] = state["wte.weight"] @ widen.T
    turned = {n: t.T if n.endswith(_TURNED) else t for n, t in state.items()}
    part = part_folder(folder)
    save_tensors({PREFIX + n: t.clone() for n, t in turned.items()}, part / "model.safetensors")
    ends = {"bos_token_id": end_of_text, "eos_token_id": end_of_text}
    config = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new",  # the tanh form
        **dict(zip(_SHAPE, astuple(shape), strict=False)),
        "n_ctx": shape.context,
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        **dict.fromkeys(("attn_pdrop", "embd_pdrop", "resid_pdrop"), 0.0),
        **ends,
    }
    for name, table in (("config.json", config), ("generation_config.json", ends)):
        (part / name).write_text(json.dumps(table, indent=2) + "\n")
    if tokenizer is not None:  # imported here, since the GPU's bench carries no core
        from webtext_py.tokenizer import copy_vocabulary

        copy_vocabulary(tokenizer, part, shape.context)
    commit_folder(part, folder, replace)


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Writes a safetensors file; a full disk, say, is an `InputError` and leaves nothing behind."""
    path.touch()
    mode = path.stat().st_mode  # by the umask; safetensors alone would shut everybody else out
    try:
        content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(content, path, metadata={"format": "pt"})
        path.chmod(mode)
    except SafetensorError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        hint = "make room; what was saved before is whole"
        raise InputError(f"`{path}` cannot be written: {error}", hint) from error


def load_hugging_face(folder: Path) -> GPT2:
    """A model that `export`, `transformers` or OpenAI wrote; the inverse of `export`.

    Raises `InputError` where a file is missing, `FormatError` where it is another architecture.
    """
    path, weights = folder / "config.json", folder / "model.safetensors"
    for file in (path, weights):
        if not file.is_file():
            found = f"`{folder}` has no {file.name}, expected a Hugging Face folder"
            raise InputError(found, "`webtext export RUN FOLDER` makes one of a run")
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        kind, activation = table["model_type"], table.get("activation_function", "gelu_new")
        names = zip(_SHAPE, vars(ModelConfig()), strict=False)
        shape = [check(ours, table[n], f"`{n}` in `{path}` is {table[n]!r}") for n, ours in names]
        tensors = load_file(weights)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise FormatError(f"`{path}` is no GPT-2 configuration: {error!r}") from error
    except SafetensorError as error:
        raise FormatError(f"`{weights}` is no safetensors file: {error}") from error
    if (kind, activation) != ("gpt2", "gelu_new"):
        raise FormatError(f"`{path}` is a {kind} with {activation}, expected gpt2 with gelu_new")
    model = GPT2(ModelConfig(*shape))
    plain = {name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}
    # Buffers of old versions, and the tied embedding a second time.
    odd = (".attn.bias", ".attn.masked_bias", "lm_head.weight")
    state = {n: t.T if n.endswith(_TURNED) else t for n, t in plain.items() if not n.endswith(odd)}
    load_unpadded(model, state, weights)
    return model
