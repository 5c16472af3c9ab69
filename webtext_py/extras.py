"""Libraries that are not always there: what asks for one, and what to say where it is missing."""

from importlib.util import find_spec

from webtext_py.errors import InputError

# Each extra of pyproject.toml that the package itself imports from.
EXTRAS = {
    "train": ("torch", "safetensors", "matplotlib"),
    "tensorboard": ("tensorboard",),
    "eval": ("torch", "safetensors", "transformers", "sacrebleu", "rouge_score"),
}


def require(extra: str) -> None:
    """Raises `InputError` naming what to install where a library of an extra is missing."""
    for name in EXTRAS[extra]:
        if find_spec(name) is None:
            raise missing(ModuleNotFoundError(f"No module named '{name}'", name=name))


def missing(error: ImportError) -> InputError:
    """What to tell of a library that cannot be imported: not there, or there and broken."""
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra, names in EXTRAS.items() if name in names), None)
    package = f"webtext[{extra}]" if extra else "webtext"
    if isinstance(error, ModuleNotFoundError) and name:
        return InputError(f"`{name}` is not installed", f"run `pip install '{package}'`")
    what = f"`{name}`" if name else "a library"
    return InputError(
        f"{what} cannot be imported: {error}", f"run `pip install --force-reinstall '{package}'`"
    )
