"""Pages that nobody would write, by a seeded source of chance, and what every page is promised."""

import random
import time
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa

from webtext_py import _core
from webtext_py.columns import text_column

DONE, TOO_COSTLY, CRASH = 0, 1, 2

# What breaks a page, each where a parser changes its mind.
PIECES = [
    *(b"<", b">", b"</", b"/>", b"<!--", b"-->", b"<!", b"<?", b"<![CDATA[", b"]]>", b'"', b"'"),
    *(b"=", b"&", b"&#", b"&#x110000;", b"&amp", b"\0", b"\x1a", b"\xff", b"\xc3", b"\xef\xbb\xbf"),
    *(b"<script>", b"</script>", b"<style>", b"<title>", b"<textarea>", b"<plaintext>"),
    *(b"<html>", b"<head>", b"</head>", b"<body>", b"</body>", b"</html>", b"<table>", b"<tr>"),
    *(b"<td>", b"</table>", b"<p>", b"</p>", b"<div>", b"</div>", b"<form>", b"<select>", b"<a>"),
    *(b"<svg>", b"<math>", b"<li>", b"<br>", b"<h1>", b"<b>", b"</b>", b" class=x id=y hidden "),
]

_TAGS, _NAMES, _WORDS = (
    words.split()
    for words in (
        """a abbr article aside b blockquote body br button caption code dd del details div dl dt
        em fieldset figure footer form h1 h2 h3 head header hr html i iframe img input li main math
        nav noscript ol option p pre q s script section select span strong style sub summary svg
        table tbody td template textarea th time title tr u ul x-y""",
        """article-body entry-content post-text content main-content sidebar footer comment
        comments cookie-banner nav menu share hidden teaser related widget meta w3-code story-body
        text cell caption byline tags author ad- -ad- bar""",
        "the of and to in a is that it was for on are as with his they at be this , . é 中 ä€ x",
    )
)


def damaged(body: bytes, chance: random.Random, most: int = 8) -> bytes:
    """`body` with one to `most` damages; a function of `chance`'s state."""
    page = bytearray(body)
    for _ in range(chance.randint(1, most)):
        at, end = sorted(chance.randrange(len(page) + 1) for _ in range(2))
        near = min(end, at + chance.randrange(1, 2000))
        match chance.randrange(8):
            case 0:  # the rest is lost
                del page[max(at, 16) :]
            case 1:  # a piece is lost
                del page[at:near]
            case 2:  # a piece comes again
                page[end:end] = page[at:near] * chance.randrange(1, 40)
            case 3:  # bits flip
                for _ in range(chance.randrange(1, 50) if page else 0):
                    page[chance.randrange(len(page))] ^= 1 << chance.randrange(8)
            case 4:  # two pieces change places
                first, second = page[at:near], page[end : end + 500]
                page[end : end + 500] = first
                page[at:near] = second
            case 5:  # markup in one place
                page[at:at] = chance.choice(PIECES) * chance.choice((1, 1, 3, 1000))
            case 6:  # markup in many
                for _ in range(chance.randrange(1, 60)):
                    place = chance.randrange(len(page) + 1)
                    page[place:place] = chance.choice(PIECES)
            case _:  # all ends, or all quotation marks, are lost
                page = page.replace(chance.choice((b"</", b">", b'"', b" ")), b"")
    return bytes(page)


def made_page(chance: random.Random) -> bytes:
    """A page of elements in any order, of the names that rules look for."""
    parts: list[str] = []
    open_tags: list[str] = []
    for _ in range(chance.choice((3, 30, 300))):
        match chance.randrange(5):
            case 0 | 1:
                tag = chance.choice(_TAGS)
                names = " ".join(chance.choice(_NAMES) for _ in range(chance.randrange(3)))
                kind = chance.choice(("class", "id", "style", "role", "type", "datetime", "href"))
                parts.append(f'<{tag} {kind}="{names}">')
                open_tags.append(tag)
            case 2 if open_tags:
                at = chance.choice((-1, -1, -1, chance.randrange(len(open_tags))))
                parts.append(f"</{open_tags.pop(at)}>")
            case _:
                parts.append(" ".join(chance.choices(_WORDS, k=chance.choice((1, 5, 40, 200)))))
    return "".join(parts).encode()


def extracted(pages: list[bytes]) -> tuple[list[int], list[bytes], float]:
    """Outcomes, texts and CPU seconds of a batch of pages by rules and model, as responses came."""
    columns = (pa.array(pages, pa.large_binary()), pa.array([""] * len(pages), pa.large_string()))
    start = time.process_time()
    outcomes, offsets, texts = _core.extract_batch(*map(text_column, columns), model=True)
    seconds = time.process_time() - start
    bounds, data = np.frombuffer(memoryview(offsets), np.int64), bytes(memoryview(texts))
    each = [data[start:end] for start, end in pairwise(bounds)]
    return list(bytes(memoryview(outcomes))), each, seconds


def check(page: bytes, outcome: int, text: bytes) -> None:
    """Fails where a promise is broken that holds for every page."""
    assert outcome in (DONE, TOO_COSTLY), "a panic"
    if outcome == TOO_COSTLY:
        assert text == b""
        return
    string = text.decode()
    assert unicodedata.is_normalized("NFC", string)
    odd = {c for c in string if unicodedata.category(c) in ("Cc", "Cs")} - {"\n", "\t"}
    assert not odd, odd
    # The first line may be one of code, which keeps its blanks.
    assert string == string.rstrip() == string.lstrip("\n"), "white space around it"
    # Entities and references are longer than what they mean, but for a few that mean two.
    assert len(text) <= 4 * len(page) + 64
