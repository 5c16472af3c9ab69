"""Writes `unicode17.bin`, the character table of the overlap normaliser (Unicode 17.0.0).

    python src/words/make_table.py LOWER.tsv

Categories, combining classes and NFC quick checks come from `unicodedata2==17.0.1`, scripts from
fontTools, simple lower-case mappings from LOWER.tsv: two columns of hexadecimal code points, one
row for each character that `char::to_lowercase` of Rust 1.95 (Unicode 17.0.0) changes.

Layout, little-endian: magic `WTWORDS\\0`; Unicode version as three bytes, number of kinds as one;
the kinds, 8 bytes each (class u8, slow u8, combining class u8, 0, lower-case delta i32); 4352
bytes: which block stands for code points 256 i to 256 i + 255; the blocks, 256 kinds each.
"""

import struct
import sys
from pathlib import Path

import unicodedata2 as ucd
from fontTools.unicodedata import script

SEPARATOR, LETTER, UNSPACED, MARK, IGNORED = range(5)
UNSPACED_SCRIPTS = {"Hani", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr"}
# Common to Hiragana and Katakana, or to Han, by use: closing mark, prolonged sound, masu marks.
UNSPACED_OTHERS = {0x3006, 0x303C, 0x30FC, 0xFF70, 0xFF9E, 0xFF9F}
VARIATION_SELECTORS = {*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10)}
VARIATION_SELECTORS |= set(range(0xE0100, 0xE01F0))
GRAPHEME_JOINER, ZERO_WIDTH_SPACE, FINAL_SIGMA, DOTTED_I = 0x34F, 0x200B, 0x3C2, 0x130


def class_of(code: int) -> int:
    """What a character does to words; `words.rs` explains the five classes."""
    category = ucd.category(chr(code))
    if code in VARIATION_SELECTORS or code == GRAPHEME_JOINER:
        return IGNORED
    if category == "Cf" and code != ZERO_WIDTH_SPACE:
        return IGNORED
    if category[0] in "LN":
        unspaced = script(chr(code)) in UNSPACED_SCRIPTS or code in UNSPACED_OTHERS
        return UNSPACED if unspaced else LETTER
    return MARK if category[0] == "M" else SEPARATOR


def second_of_composites() -> set[int]:
    """NFC_Quick_Check=Maybe: characters that can join the one before them."""
    found = set()
    for code in range(0x110000):
        parts = ucd.decomposition(chr(code))
        pair = " " in parts and not parts.startswith("<")
        if pair and ucd.normalize("NFC", ucd.normalize("NFD", chr(code))) == chr(code):
            found.add(int(parts.split()[1], 16))
    return found | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))


def main(lower_path: str) -> None:
    """Builds the table and writes it beside this file."""
    assert ucd.unidata_version == "17.0.0"
    lower = {}
    for line in Path(lower_path).read_text().splitlines():
        code, to = line.split("\t")
        if int(code, 16) != DOTTED_I:
            lower[int(code, 16)] = int(to, 16)
    lower[FINAL_SIGMA] = 0x3C3
    maybe = second_of_composites()
    kinds: dict[tuple[int, int, int, int], int] = {(SEPARATOR, 0, 0, 0): 0}
    blocks: dict[bytes, int] = {}
    index = bytearray()
    for block in range(0x1100):
        cells = bytearray()
        for code in range(block * 256, block * 256 + 256):
            kind = class_of(code)
            if kind == SEPARATOR or 0xD800 <= code < 0xE000:
                cells.append(0)
                continue
            changed = ucd.normalize("NFC", chr(code)) != chr(code)
            slow = changed or code in maybe or code == DOTTED_I or kind == IGNORED
            key = (kind, int(slow), ucd.combining(chr(code)), lower.get(code, code) - code)
            cells.append(kinds.setdefault(key, len(kinds)))
        index.append(blocks.setdefault(bytes(cells), len(blocks)))
    with (Path(__file__).parent / "unicode17.bin").open("wb") as out:
        out.write(b"WTWORDS\0" + bytes([17, 0, 0, len(kinds)]))
        for kind, slow, combining, delta in kinds:
            out.write(struct.pack("<BBBxi", kind, slow, combining, delta))
        out.write(index)
        for cells in blocks:
            out.write(cells)
    print(f"{len(kinds)} kinds, {len(blocks)} blocks")


if __name__ == "__main__":
    main(sys.argv[1])
