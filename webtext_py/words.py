"""The overlap normaliser: lower-cased alphanumeric words, joined by single spaces.

One definition for overlap reports, exact and near duplicates and Wikipedia by content. A word is a
run of letters, numbers and their marks (Unicode 17.0 categories L, N, M); in scripts written
without spaces (Han, Kana, Thai, Lao, Khmer, Burmese) each character with its marks is a word. Case
and canonical spelling make no difference: `É`, `é` and `e` with U+0301 are the same. `ascii=True`
is the plainest reading of the GPT-2 report: runs of `[A-Za-z0-9]`, lower-cased.

`src/words.rs` has the rules in full; another version of them has another `NORMALISER_VERSION`.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core
from webtext_py.columns import text_column

NORMALISER_VERSION: int = _core.NORMALISER_VERSION


def normalize(text: str, *, ascii: bool = False) -> str:
    """The words of `text`, joined by single spaces; empty where it has none.

    Lone surrogates, which UTF-8 cannot spell, separate words.
    """
    return _core.normalize_text(text.encode("utf-8", "replace"), ascii)


def word_counts(
    column: "pa.Array | pa.ChunkedArray", *, ascii: bool = False
) -> npt.NDArray[np.uint32]:
    """Words of each row of a string or binary column: shape (rows,). A null has none."""
    counts = _core.word_counts(*text_column(column), ascii)
    return np.frombuffer(memoryview(counts), np.uint32)


def text_digests(
    column: "pa.Array | pa.ChunkedArray", *, ascii: bool = False
) -> npt.NDArray[np.uint8]:
    """The first 16 bytes of SHA-256 of each row's normalised text: shape (rows, 16).

    Rows with the same words have the same digest; different words collide with p < 1e-21 over a
    billion rows. All rows without a word share one digest: tell them by `word_counts`.
    """
    found = _core.text_digests(*text_column(column), ascii)
    return np.frombuffer(memoryview(found), np.uint8).reshape(-1, 16)


def word_spans(text: bytes, *, ascii: bool = False) -> npt.NDArray[np.uint64]:
    """Where each word of UTF-8 `text` stands: shape (words, 2), first byte and end."""
    return np.frombuffer(memoryview(_core.word_spans(text, ascii)), np.uint64).reshape(-1, 2)
