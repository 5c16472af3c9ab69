"""What the demo shows: each link, its submissions, its captures, and how it must end.

`case_kept.py` gives every kept text its post and capture, some of them with a technique that a reader
of archives must know; the other files list the links that are dropped, by stage, each by one rule
alone where that is possible: take the rule away and the page would be kept.
"""

from case import Case
from case_copies import copies
from case_kept import kept as kept_cases
from case_kept import posting
from case_links import dropped_links, lines
from case_pages import dropped_pages
from prose import Prose

__all__ = ["Case", "all_cases"]


def all_cases(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    """Every case of the demo, in a fixed order."""
    return [
        *kept_cases(kept, spare),
        *posting(kept),
        *dropped_links(spare),
        *dropped_pages(kept, spare),
        *copies(kept, spare),
        *lines(),
    ]
