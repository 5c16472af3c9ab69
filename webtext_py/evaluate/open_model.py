"""Opens what is evaluated: a folder of `transformers`, from local safetensors files only."""

from pathlib import Path
from typing import Any

from webtext_py.errors import InputError

_LONGEST = 1 << 20  # a tokenizer's `model_max_length` above this means that it knows none


# GPT-2's activation in `transformers` is eight passes over memory: a tenth of its time on a CPU.
_FUSED = {"gelu_new": "gelu_pytorch_tanh"}


def check_causal(folder: Path) -> Any:
    """The configuration of a folder. Raises `InputError` where it holds no causal model of
    safetensors files."""
    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if not (folder / "config.json").is_file():
        raise InputError(
            f"`{folder}` has no config.json, expected a folder that `transformers` opens",
            "`webtext export RUN FOLDER` makes one",
        )
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError) as error:
        raise InputError(f"`{folder}` cannot be opened: {_first(error)}") from error
    names = config.architectures or []
    causal = any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names)
    known = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if config.is_encoder_decoder or not (causal if names else known):
        what = ", ".join(names) or config.model_type
        raise InputError(f"`{folder}` holds a {what}, expected a causal language model")
    if not any(folder.glob("*.safetensors")):
        raise InputError(
            f"`{folder}` has no safetensors file; other forms of weights can run code and are "
            "not read",
            "save the model again with `transformers`: `model.save_pretrained(FOLDER)`",
        )
    return config


def open_causal(folder: Path, dtype: Any) -> tuple[Any, Any]:
    """Model and tokenizer of a folder. Raises `InputError` for what `transformers` cannot open."""
    import transformers
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer

    config = check_causal(folder)
    for name in ("activation_function", "hidden_act"):
        if getattr(config, name, None) in _FUSED:
            setattr(config, name, _FUSED[getattr(config, name)])
    said: Any = transformers.logging  # without types
    said.set_verbosity_error()
    said.disable_progress_bar()
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder, config=config, torch_dtype=dtype, use_safetensors=True, **local
        )
    except (ValueError, OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"`{folder}` cannot be opened: {_first(error)}") from error
    ids, most = len(tokenizer), model.get_input_embeddings().num_embeddings
    if not tokenizer("a").input_ids or ids > most:
        raise InputError(
            f"`{folder}` has a tokenizer of {ids:,} entries and a model of {most:,}",
            "the folder must hold the tokenizer that the model was trained with",
        )
    return model, tokenizer


def context_of(model: Any, tokenizer: Any) -> int:
    """How many tokens the model takes."""
    for name in ("n_positions", "max_position_embeddings", "n_ctx", "max_seq_len"):
        found = getattr(model.config, name, None)
        if isinstance(found, int) and found > 0:
            return found
    most = tokenizer.model_max_length
    if most < _LONGEST:
        return int(most)
    raise InputError("neither config.json nor the tokenizer says how many tokens the model takes")


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
