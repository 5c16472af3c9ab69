"""The bundled trainer: GPT-2 from token shards. The only place for torch.

`config.py` and `data.py` work without torch; everything else needs the extra `webtext[train]`.
"""

from importlib.util import find_spec

from webtext_py.errors import InputError


def require_torch() -> None:
    """Raises `InputError` naming the extra to install where one of its packages is missing."""
    for name in ("torch", "safetensors", "matplotlib"):
        if find_spec(name) is None:
            raise InputError(
                f"the trainer needs `{name}`, which is not installed",
                hint="run `pip install 'webtext[train]'`",
            )
