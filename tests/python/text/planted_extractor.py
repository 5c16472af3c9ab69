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


class Broken(Upper):
    """Crashes on every page, once its child is set up."""

    def __init__(self) -> None:
        self.set_up = False

    def main_text(self, html: str, url: str | None) -> str:
        if self.set_up:
            raise RuntimeError("broken")
        self.set_up = True
        return ""


class OnlyLetters(Upper):
    """Crashes on pages with a digit."""

    def main_text(self, html: str, url: str | None) -> str:
        if html.startswith("<p>7"):
            raise RuntimeError("a digit")
        return "words"
