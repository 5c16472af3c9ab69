"""The source texts: a header of `key: value` lines, an empty line, then paragraphs.

In the body `## ` begins a heading, `- ` a list item, three backquotes a block of code; all else
is paragraphs, separated by empty lines and joined from their lines.
"""

import re
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Block:
    """One element of a page: `kind` is p, h2, li or pre."""

    kind: str
    text: str


@dataclass(frozen=True)
class Prose:
    """One source text. `karma` is None where the dump has null; `date` is ISO 8601."""

    slug: str
    title: str
    url: str
    date: str
    site: str
    subreddit: str
    karma: int | None
    language: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """Paragraphs, headings, items and code, one a line: what a good extraction finds."""
        return "\n".join(block.text for block in self.blocks)

    @property
    def paragraphs(self) -> list[str]:
        """The paragraphs alone."""
        return [block.text for block in self.blocks if block.kind == "p"]


def load(folder: Path) -> dict[str, Prose]:
    """All texts of a folder by slug (the file's name without `.txt`), in order of name."""
    return {path.stem: _parse(path) for path in sorted(folder.glob("*.txt"))}


def typographic(page: Prose) -> Prose:
    """The page with curly quotes and apostrophes, for the charset cases."""

    def curl(text: str) -> str:
        text = re.sub(r"(?<!\w)'", "\u2018", text).replace("'", "\u2019")
        return re.sub(r'"([^"]*)"', "\u201c\\1\u201d", text)

    blocks = tuple(Block(b.kind, curl(b.text)) for b in page.blocks)
    return replace(page, title=curl(page.title), blocks=blocks)


def reword(page: Prose, every: int) -> Prose:
    """The page with every `every`-th word changed, counted over all blocks, in its paragraphs."""
    swaps = ("quiet", "second", "plain", "ordinary", "distant", "narrow", "certain", "early")
    numbers = count(1)

    def changed(word: str) -> str:
        turn, rest = divmod(next(numbers), every)
        return word if rest else re.sub(r"\w+", swaps[turn % len(swaps)], word, count=1)

    texts = [" ".join(map(changed, block.text.split(" "))) for block in page.blocks]
    pairs = zip(page.blocks, texts, strict=True)
    return replace(page, blocks=tuple(replace(b, text=t) if b.kind == "p" else b for b, t in pairs))


def words(text: str) -> list[str]:
    """The plain twin of the overlap normaliser: lower-cased runs of letters and digits.

    Good for scripts written with spaces; the Japanese page is never measured with it.
    """
    return re.findall(r"[^\W_]+", text.lower())


def ngrams(text: str, n: int = 8) -> list[str]:
    """Every run of `n` words, joined by single spaces."""
    all_words = words(text)
    return [" ".join(all_words[i : i + n]) for i in range(len(all_words) - n + 1)]


def _parse(path: Path) -> Prose:
    head, body = path.read_text(encoding="utf-8").split("\n\n", 1)
    pairs = (line.partition(":") for line in head.split("\n"))
    fields = {key: value.strip() for key, _, value in pairs}
    karma = fields["karma"]
    return Prose(
        slug=path.stem,
        title=fields["title"],
        url=fields["url"],
        date=fields["date"],
        site=fields["site"],
        subreddit=fields["subreddit"],
        karma=None if karma == "null" else int(karma),
        language=fields.get("language", "en"),
        blocks=tuple(_blocks(body)),
    )


def _blocks(body: str) -> list[Block]:
    blocks: list[Block] = []
    for part in re.findall(r"```\n.*?\n```|(?:[^\n]+\n?)+", body, flags=re.S):
        part = part.strip("\n")
        if part.startswith("```"):
            blocks.append(Block("pre", part[4:-4]))
        elif part.startswith("## "):
            blocks.append(Block("h2", " ".join(part[3:].split())))
        elif part.startswith("- "):
            items = re.split(r"^- ", part, flags=re.M)[1:]
            blocks.extend(Block("li", " ".join(item.split())) for item in items)
        elif any(ord(c) > 0x3000 for c in part):
            blocks.append(Block("p", "".join(line.strip() for line in part.split("\n"))))
        else:
            blocks.append(Block("p", " ".join(part.split())))
    return blocks
