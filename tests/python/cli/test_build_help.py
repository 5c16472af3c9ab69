"""The help of `webtext build`: its options in groups, what most need on the first screen."""

import re
from pathlib import Path

HELP = Path(__file__).parents[2] / "snapshots" / "help" / "webtext-build.txt"
FIRST_SCREEN = 40  # lines of a terminal
MOST_NEED = (
    "--submissions", "--links", "--pages", "--wikipedia", "--min-karma", "--before", "--after",
    "--lang", "--min-words", "--near-dup",
)  # fmt: skip


def test_groups_in_the_order_of_need() -> None:
    text = HELP.read_text(encoding="utf-8")
    assert re.findall(r"^(\w.*):$", text, re.MULTILINE) == [
        "What to read",
        "What to keep",
        "Running",
        "Fetching, for --pages live, wayback or commoncrawl",
        "Options",
    ]
    assert text.partition("\nOptions:\n")[2].split()[:2] == ["-h,", "--help"]


def test_what_most_need_is_on_the_first_screen() -> None:
    first = "\n".join(HELP.read_text(encoding="utf-8").splitlines()[:FIRST_SCREEN])
    assert [option for option in MOST_NEED if not re.search(rf"^ +{option} ", first, re.M)] == []
