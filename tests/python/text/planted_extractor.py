"""Extractors of the tests: show that another one fits behind the interface."""

import os


class Upper:
    """The page in capitals."""

    name = "upper 1"

    def main_text(self, html: str, url: str | None) -> str:
        return html.upper()


class Deadly(Upper):
    """Ends its process at a word."""

    def main_text(self, html: str, url: str | None) -> str:
        if "deadly" in html:
            os.abort()
        return super().main_text(html, url)
