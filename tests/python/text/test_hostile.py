"""Pages that are damaged, or made by chance: nothing breaks and no promise is broken.

`tests/rust/hostile.rs` has those that are made to be slow or large.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import CRASH, DONE, check, damaged, extracted, made_page
from labelled_pages import all_pages

FUZZER = Path(__file__).parents[2] / "fuzz" / "page.py"


def test_made_pages_keep_the_promises() -> None:
    subprocess.run([sys.executable, str(FUZZER), "--pages", "5000", "--seed", "1"], check=True)


def test_a_page_cut_anywhere_is_read() -> None:
    page = made_page(random.Random(3)) + made_page(random.Random(11))
    cuts = [page[:end] for end in range(len(page))]
    outcomes, texts, _ = extracted(cuts)
    assert set(outcomes) == {DONE}
    for cut, outcome, text in zip(cuts, outcomes, texts, strict=True):
        check(cut, outcome, text)


def test_what_is_checked_can_fail() -> None:
    for text in (b"x ", b"\nx", b"a\x00b", "e\u0301".encode(), b"x" * 200):
        with pytest.raises(AssertionError):
            check(b"<p>x", DONE, text)
    with pytest.raises(AssertionError, match="panic"):
        check(b"", CRASH, b"")


@pytest.mark.shared_data
def test_damaged_real_pages_keep_the_promises(shared_data: Path) -> None:
    """Five thousand; the most that one of them costs is a CPU second."""
    bodies = [page.body for page in all_pages(shared_data / "html")]
    slowest = 0.0
    for first in range(0, 5000, 20):
        pages = []
        for number in range(first, first + 20):
            chance = random.Random(number)
            pages.append(damaged(bodies[number % len(bodies)], chance))
        outcomes, texts, seconds = extracted(pages)
        for page, outcome, text in zip(pages, outcomes, texts, strict=True):
            check(page, outcome, text)
        slowest = max(slowest, seconds)
    # Twenty pages together cost less than one may.
    assert slowest <= 1.0
