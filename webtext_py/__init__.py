"""webtext: GPT-2's WebText, rebuilt by whoever runs it.

The package imports lazily: `import webtext_py` loads nothing heavy.
"""

from importlib import import_module
from typing import Any

__all__ = ["Document", "Tokenizer", "__version__", "extract"]

# Public name -> module that defines it; loaded at first use.
_LAZY = {
    "Document": "webtext_py.text.page",
    "Tokenizer": "webtext_py.tokenizer",
    "__version__": "webtext_py._core",
    "extract": "webtext_py.text.extract",
}


def __getattr__(name: str) -> Any:
    """Loads a public name at its first use."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
