"""The normaliser against a twenty-line twin that normalises the text as a whole."""

import random
import string
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import unicodedata2 as ucd
from fontTools.unicodedata import script
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext_py import words

UNSPACED = {"Hani", "Hira", "Kana", "Thai", "Laoo", "Khmr", "Mymr"}
SIGNS = "\u3006\u303c\u30fc\uff70\uff9e\uff9f"


def twin(text: str) -> list[str]:
    """Words of `text`, the slow way: the rules in the order that `src/words.rs` states them."""
    kept = "".join(c for c in text if not ignored(c))
    lower = "".join(c.lower() for c in ucd.normalize("NFC", kept)).replace("ς", "σ")
    found: list[str] = []
    open_word = alone = False
    for c in ucd.normalize("NFC", lower):
        category = ucd.category(c)[0]
        unspaced = script(c) in UNSPACED or c in SIGNS
        if category in "LN" and (unspaced or alone or not open_word):
            found.append(c)
            open_word, alone = True, unspaced
        elif category in "LN" or (category == "M" and open_word):
            found[-1] += c
        elif category != "M":
            open_word = alone = False
    return found


def ignored(c: str) -> bool:
    code = ord(c)
    selector = 0xFE00 <= code < 0xFE10 or 0xE0100 <= code < 0xE01F0
    mongolian = code in (0x180B, 0x180C, 0x180D, 0x180F)
    return (ucd.category(c) == "Cf" and code != 0x200B) or selector or mongolian or code == 0x34F


def check(text: str) -> None:
    assert words.normalize(text) == " ".join(twin(text)), ascii(text)


# Lower case in the twin is this interpreter's: characters that it does not know are left out.
def known(c: str) -> bool:
    import unicodedata

    return not 0xD800 <= ord(c) < 0xE000 and (
        unicodedata.category(c) != "Cn" or ucd.category(c) == "Cn"
    )


TROUBLE = "aAéÉ\u0301\u0323\u030cJjǰİıςΣσ \u00ad\u200d\u200b\ufe0f=\u0338カ\u3099ー漢字ไทย\u0e48한"
TROUBLE += "\u1112\u1161\u11abक\u094d\u093cष\u0958Å\u212b\u2126ﬁ²½Ⅷ_'’-中\uf900ကျေး\u102e\u1025"
TROUBLE += "ខ្មែរລາວ😀①\u034f\u0345\u1f80"
ALPHABET = "".join(filter(known, map(chr, range(0x110000))))
ANY_TEXT = st.lists(
    st.one_of(st.sampled_from(TROUBLE), st.sampled_from(TROUBLE), st.sampled_from(ALPHABET))
).map("".join)


@settings(max_examples=3000, deadline=None)
@given(ANY_TEXT)
def test_equals_the_twin(text: str) -> None:
    check(text)


@settings(max_examples=2000, deadline=None)
@given(ANY_TEXT)
def test_canonical_spelling_makes_no_difference(text: str) -> None:
    whole = words.normalize(text)
    for form in ("NFC", "NFD"):
        assert words.normalize(ucd.normalize(form, text)) == whole
    assert words.normalize(whole) == whole


def test_every_character_alone_and_in_company() -> None:
    for c in ALPHABET:
        check(f"{c} a{c} 漢{c}\u0301 {c}b")


def test_every_canonical_decomposition() -> None:
    for c in ALPHABET:
        parts = ucd.normalize("NFD", c)
        if parts != c:
            assert words.normalize(f"x {parts} {parts}y") == words.normalize(f"x {c} {c}y"), ascii(
                c
            )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  -- ", ""),
        ("Don't STOP; it's 42!", "don t stop it s 42"),
        ("co\u00adoperate", "cooperate"),
        ("Cafe\u0301 CAFÉ", "café café"),
        ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
        ("हिन्दी में", "हिन्दी में"),
        ("東京タワー2024年", "東 京 タ ワ ー 2024 年"),
        ("ก็ดี", "ก็ ดี"),
        ("한국어 문장", "한국어 문장"),
        ("nai\u0308ve \u0301x", "naïve x"),
        ("می\u200cخواهم", "میخواهم"),
        ("a_b x²", "a b x²"),
    ],
)
def test_by_hand(text: str, expected: str) -> None:
    assert words.normalize(text) == expected
    check(text)


def test_ascii_mode_is_the_plainest_reading() -> None:
    random.seed(5)
    for _ in range(300):
        text = "".join(random.choices(string.printable + "éЖ漢", k=60))
        runs = "".join(c.lower() if c.isascii() and c.isalnum() else " " for c in text).split()
        assert words.normalize(text, ascii=True) == " ".join(runs)


def test_columns_equal_single_texts() -> None:
    texts = ["One, two", "", None, "東京", "one TWO", "!!"]
    column = pa.array(texts)
    assert words.word_counts(column).tolist() == [2, 0, 0, 2, 2, 0]
    digests = [bytes(row).hex() for row in words.text_digests(column)]
    assert digests[0] == digests[4] != digests[3]
    # SHA-256("") and SHA-256("one two")
    assert digests[1] == digests[2] == digests[5] == "e3b0c44298fc1c149afbf4c8996fb924"
    import hashlib

    assert digests[0] == hashlib.sha256(b"one two").hexdigest()[:32]
    assert words.word_counts(column.slice(3)).tolist() == [2, 2, 0]


def test_bytes_that_are_not_utf8_separate() -> None:
    column = pa.array([b"ab\xffcd \xe6\xbc", b"\xe6\xbc\xa2\xe5"], pa.binary())
    assert words.word_counts(column).tolist() == [2, 1]
    assert words.word_spans(b"ab\xffcd \xe6\xbc").tolist() == [[0, 2], [3, 5]]


def test_spans_cover_the_words() -> None:
    text = "Ein Haus, e\u0301 x\u00ad; 東京 ก็".encode()
    found = [text[a:b].decode() for a, b in words.word_spans(text)]
    assert found == ["Ein", "Haus", "e\u0301", "x", "東", "京", "ก็"]


def test_shared_sets(shared_data: Path) -> None:
    for path in sorted((shared_data / "corpus").glob("*.parquet")):
        texts = pq.ParquetFile(path).read_row_group(0, ["text"]).column(0)
        for text in texts.slice(0, 30).to_pylist():
            check(text[:20000])
