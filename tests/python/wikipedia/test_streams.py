"""Dumps in parts: every cut gives what the whole gives; damage; dumps of tags alone."""

import bz2
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from webtext_py.wikipedia import dump as dump_module
from webtext_py.wikipedia.articles import parts, read_articles


def made_dump(draw: random.Random, cut_pages: bool) -> list[bytes]:
    """Streams of a dump of 60 pages; with `cut_pages` they end anywhere, inside tags too."""
    pages = []
    for number in range(60):
        words = " ".join(f"w{draw.randrange(10**6)}" for _ in range(draw.choice([3, 40, 400])))
        old = "<revision><text>old</text></revision>" * draw.choice([0, 0, 2])
        text = draw.choice([words, words, f"#redirect [[{words}]]"])
        pages.append(
            f"<page><title>T{number}</title><ns>{draw.choice([0, 0, 0, 1])}</ns>{old}"
            f"<revision><text>{text}</text></revision></page>\n"
        )
    xml = "<mediawiki>" + "".join(pages) + "</mediawiki>"
    if not cut_pages:
        return [f"{head}".encode() for head in ["<mediawiki>", *pages, "</mediawiki>"]]
    cuts = sorted(draw.choices(range(len(xml)), k=50))
    return [xml[a:b].encode() for a, b in zip([0, *cuts], [*cuts, len(xml)], strict=True)]


def read(path: Path, part: tuple[int, int] | None = None) -> tuple[list[Any], Counter[str]]:
    """Rows, and what was left out."""
    lost: dict[str, int] = {}
    rows = [row for batch in read_articles(path, lost, part) for row in batch.to_pylist()]
    return rows, Counter(lost)


@pytest.mark.parametrize("damage", ["whole", "bits", "cut", "end", "between"])
@pytest.mark.parametrize("cut_pages", [False, True])
def test_parts_give_what_the_whole_gives(tmp_path: Path, cut_pages: bool, damage: str) -> None:
    draw = random.Random(5)
    path = tmp_path / "x.xml.bz2"
    for _ in range(4):
        packed = [bytearray(bz2.compress(piece)) for piece in made_dump(draw, cut_pages)]
        for stream in draw.sample(packed, 3) if damage != "whole" else ():
            if damage == "bits":
                stream[draw.randrange(10, len(stream))] ^= 1 << draw.randrange(8)
            elif damage == "cut":
                del stream[draw.randrange(11, len(stream)) :]
            elif damage == "between":
                stream += draw.randbytes(draw.choice([1, 30, 500]))
        data = b"".join(packed)
        path.write_bytes(data[:-20] if damage == "end" else data)
        rows, lost = read(path)
        assert len(rows) > 15
        assert (lost["damages"] > 0) == (damage != "whole")
        for each in (40, 333, 5000, 1 << 30):
            cut = [read(path, part) for part in parts(path, each)]
            assert [row for found, _ in cut for row in found] == rows
            assert sum((counts for _, counts in cut), Counter[str]()) == lost


def test_parts_of_heads_and_marks(tmp_path: Path) -> None:
    """Whole and cut streams among the fixed bits of heads, blocks and ends, at any bit."""
    draw, path = random.Random(8), tmp_path / "x.xml.bz2"
    texts = [b"<page><title>1</title></page><pa", b"ge><title>2", b"</title></page>", b""]
    marks = [b"1AY&SY", b"\x17rE8P\x90"]
    pieces = [*map(bz2.compress, texts), *marks, *(b"BZh9" + mark for mark in marks), bytes(4)]
    for _ in range(60):
        data = b"BZh"
        for piece in draw.choices(pieces, [3, 3, 3, 1, 1, 1, 1, 1, 1], k=draw.choice([3, 10, 30])):
            first, last = (draw.choice([0, 0, 0, draw.randrange(len(piece))]) for _ in range(2))
            bits = int.from_bytes(piece[first : len(piece) - last]) << draw.choice([0, 0, 0, 5])
            data += bits.to_bytes(len(piece) + 1).lstrip(b"\0")
        path.write_bytes(data)
        rows, lost = read(path)
        for each in (7, 100):
            cut = [read(path, part) for part in parts(path, each)]
            assert [row for found, _ in cut for row in found] == rows
            assert sum((counts for _, counts in cut), Counter[str]()) == lost


@pytest.mark.parametrize("cut", [False, True])
def test_damage_costs_a_block(tmp_path: Path, cut: bool) -> None:
    """Of one stream of many blocks those before and behind it stay; no page is made of two."""
    draw = random.Random(6)
    titles = [str(draw.getrandbits(200)) for _ in range(30_000)]
    body = "".join(f"<page><title>{title}</title></page>" for title in titles).encode()
    packed = bytearray(bz2.compress(body, 1))
    middle = len(packed) // 2
    if cut:
        del packed[middle:]
    else:
        packed[middle] ^= 0xFF
    path = tmp_path / "x.xml.bz2"
    path.write_bytes(packed + bz2.compress(b"<page><title>last</title></page>"))
    rows, lost = read(path)
    found = [row["title"] for row in rows]
    assert found[-1] == "last"
    assert titles[: len(found) - 1] == found[:-1] or not cut
    assert set(found[:-1]) <= set(titles)
    assert 12_000 < len(found) < 18_000 if cut else 28_000 < len(found) < 30_000
    assert 0 < lost.pop("lost_bytes") < len(packed) // 8
    # A block of 100 kB ends in a page, and one begins in it.
    assert lost == {"damages": 1, "damaged_pages": 1}
    parts_ = [read(path, part) for part in parts(path, 5000)]
    assert [len(found) for found, _ in parts_] == [len(rows) - 1, *[0] * (len(parts_) - 2), 1]


def test_a_file_of_heads_is_read_once(tmp_path: Path) -> None:
    """Each is a damaged stream; to look again from each at all behind it would take hours."""
    path = tmp_path / "x.xml.bz2"
    path.write_bytes(b"BZh91AY&SY" * 100_000)
    rows, lost = read(path)
    assert rows == []
    assert lost["damages"] == 100_000


def test_only_dumps_of_bzip2_are_cut(tmp_path: Path) -> None:
    for name, data in {
        "a.xml": b"<mediawiki>" + b" " * 200,
        "b.jsonl.bz2": bz2.compress(b'{"text": "x"}\n' * 20),
        "c.xml.bz2": bz2.compress(b"<mediawiki>"),
    }.items():
        (tmp_path / name).write_bytes(data)
        cut = name == "c.xml.bz2"
        assert (len(parts(tmp_path / name, 20)) > 1) == cut, name


@pytest.mark.parametrize(
    ("pieces", "pages", "damaged"),
    [
        ([b"<page>" * 2_500_000], 0, 2_500_000),
        ([b"</page>" * 2_500_000], 0, 0),
        ([b"<page>"] * 1_000_000, 0, 1_000_000),
        ([b"<page>" * 1_000_000, b"</page>" * 1_000_000], 1, 999_999),
        ([b"<page>", *[b"x" * (1 << 20)] * 40, b"</page><page></page>"], 1, 1),
    ],
    ids=["starts", "ends", "many pieces", "starts and ends", "too large"],
)
def test_a_dump_of_tags_alone_is_read_in_one_pass(
    pieces: list[bytes], pages: int, damaged: int
) -> None:
    """Looking again from each start, end or piece would take hours."""
    lost = Counter[str]()
    assert list(dump_module._elements(iter(pieces), lost)) == [b"<page></page>"] * pages
    assert lost["damaged_pages"] == damaged


def test_elements_are_those_of_a_regular_expression() -> None:
    """A slow twin, on all sorts of cuts."""
    draw = random.Random(7)
    for _ in range(500):
        xml = b"".join(draw.choices([b"<page>", b"</page>", b"x", b"<pa", b"ge>", b"</"], k=30))
        whole = re.findall(rb"<page>.*?</page>", xml, re.DOTALL)
        twin = [page[page.rfind(b"<page>") :] for page in whole]
        cuts = sorted(draw.choices(range(len(xml)), k=5))
        pieces = [xml[a:b] for a, b in zip([0, *cuts], [*cuts, len(xml)], strict=True)]
        lost = Counter[str]()
        assert list(dump_module._elements(iter(pieces), lost)) == twin
        assert lost["damaged_pages"] == xml.count(b"<page>") - len(twin)
