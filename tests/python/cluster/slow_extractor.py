"""An extractor that takes its time, so that a test can do something meanwhile."""

import re
import time


class Slow:
    """The page without its tags, after a tenth of a second."""

    name = "slow 1"

    def main_text(self, html: str, url: str | None) -> str:
        time.sleep(0.1)
        return re.sub(r"<[^>]*>", " ", html)
