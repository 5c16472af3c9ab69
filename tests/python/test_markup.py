"""What is no markup is escaped wherever it is put, and a page allows nothing but itself."""

import base64
import hashlib
import re

import pytest

from webtext_py.markup import Html, columns, page, table, tag, text, tiles

EVIL = "<b a='\">&\ud800"
SAFE = "&lt;b a=&#x27;&quot;&gt;&amp;?"


@pytest.mark.parametrize(
    "made",
    [
        tag("p", EVIL),
        tag("p", title=EVIL),
        table([EVIL], [[EVIL]], EVIL, id=EVIL),
        columns([EVIL], {EVIL: [1]}, EVIL, id=EVIL),
        tiles([(EVIL, EVIL)]),
        Html(page(EVIL, EVIL)),
    ],
)
def test_values_are_escaped_everywhere(made: Html) -> None:
    assert SAFE in made
    assert "<b" not in made.replace("<body", "").replace("<base", "")
    made.encode()


def test_markup_stays_and_numbers_have_commas() -> None:
    assert tag("p", tag("b", 12345), None, True) == "<p><b>12,345</b>True</p>"
    assert text(0.5) == "0.5"
    assert tag("p", class_="a", lang=None, hidden=True) == '<p class="a" hidden></p>'


@pytest.mark.parametrize("sortable", [True, False])
def test_the_policy_names_exactly_what_the_page_holds(sortable: bool) -> None:
    made = page("title", sortable=sortable)
    allowed = re.findall(r"'sha256-([^']+)'", made)
    held = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", made, re.DOTALL)
    assert allowed == [
        base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for content in held
    ]
    assert len(held) == 1 + sortable


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (0, ["0", "1"]),
        (3, ["0", "1", "2", "3"]),
        (19, ["0", "5", "10", "15", "20"]),
        (41_000, ["0", "20k", "40k", "60k"]),
        (7_200_000, ["0", "2M", "4M", "6M", "8M"]),
    ],
)
def test_grid_lines_are_round_and_hold_the_greatest(most: int, labels: list[str]) -> None:
    drawn = columns(["a"], {"rows": [most]}, "caption")
    assert re.findall(r'class="y"[^>]*>([^<]+)<', drawn) == labels
    heights = [float(h) for h in re.findall(r'class="b"[^>]* height="([\d.]+)"', drawn)]
    assert all(0 <= height <= 170 for height in heights)
