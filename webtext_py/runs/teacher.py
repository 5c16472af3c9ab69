"""The teacher of a distilled student."""

from pathlib import Path

from webtext_py.engine.commit import sha256_file
from webtext_py.errors import InputError
from webtext_py.train import checkpoint
from webtext_py.train.export import load_hugging_face, read_config
from webtext_py.train.model import GPT2

from .folder import need_causal, open_model
from .inputs import RunTokenizer


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
