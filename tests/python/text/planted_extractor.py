"""An extractor of the tests: shows that another one fits behind the interface."""

from webtext_py.text.page import Document, Dropped, Page


class Upper:
    """The page in capitals, its URL as title."""

    name = "upper 1"

    def extract(self, page: Page) -> Document | Dropped:
        return Document(page.url, page.body.decode().upper(), "und", None, self.name, "none")
