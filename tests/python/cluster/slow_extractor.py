"""An extractor that takes its time, so that a test can do something meanwhile."""

import re
import sys
import time
from pathlib import Path

# A test that makes this file holds the pages with its content in their URL, until it goes.
HOLD = next(Path(p, "hold") for p in sys.path if Path(p, "held.py").exists())


def held(url: str) -> bool:
    """Whether a page is to wait."""
    try:
        return HOLD.read_text() in url
    except FileNotFoundError:
        return False


class Slow:
    """The page without its tags, after a moment."""

    name = "slow 1"

    def main_text(self, html: str, url: str | None) -> str:
        time.sleep(0.03)
        while held(url or ""):
            time.sleep(0.02)
        return re.sub(r"<[^>]*>", " ", html)
