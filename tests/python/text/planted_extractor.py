"""An extractor of the tests: shows that another one fits behind the interface."""

from webtext_py.text.page import Document, Dropped, Page


class Upper:
    """The page in capitals, its URL as title."""

    name = "upper 1"

    def extract(self, page: Page) -> Document | Dropped:
        return Document(page.url, page.body.decode().upper(), "und", None, self.name, "none")


class Broken:
    """Crashes on every page, once its child is set up."""

    name = "broken 1"

    def __init__(self) -> None:
        self.set_up = False

    def extract(self, page: Page) -> Document | Dropped:
        if self.set_up:
            raise RuntimeError("broken")
        self.set_up = True
        return Dropped("empty")


class OnlyLetters:
    """Crashes on pages with a digit."""

    name = "letters 1"

    def extract(self, page: Page) -> Document | Dropped:
        if page.body.startswith(b"7"):
            raise RuntimeError("a digit")
        return Document(None, "words", "und", None, self.name, "none")
