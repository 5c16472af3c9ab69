"""Writes src/extract/stopwords.txt: the commonest words of each language that justext lists.

    python tools/make_stopwords.py [--check]

justext's lists are in order of frequency and have 155,000 distinct words together; of the first
`PER_LANGUAGE` of each are made one list, sorted by bytes. Its thresholds in `justext.rs` are made
for this list. `--check` fails where the file is not what would be written.
"""

import argparse
import sys
from importlib.metadata import distribution, version
from pathlib import Path

from justext.utils import get_stoplists

FILE = Path(__file__).resolve().parents[1] / "src" / "extract" / "stopwords.txt"
PER_LANGUAGE = 50


def words_of(language: str) -> list[str]:
    """Distinct lower-case words of a list, the commonest first."""
    package = distribution("justext").locate_file("justext")
    text = Path(str(package), "stoplists", f"{language}.txt").read_text("utf-8")
    return list(dict.fromkeys(line.strip().lower() for line in text.splitlines() if line.strip()))


def content() -> str:
    """The whole file: source and licence as comments, then a word a line."""
    metadata = distribution("justext")
    licence = metadata.read_text("LICENSE.rst")
    assert licence is not None
    head = [
        f"The {PER_LANGUAGE} commonest words of each language in the stop-word lists of justext",
        f"{version('justext')} (https://github.com/miso-belica/jusText), one word a line.",
        "Made by tools/make_stopwords.py. The licence of the lists:",
        "",
        *licence.strip().splitlines(),
    ]
    words = {
        word
        for language in get_stoplists()
        for word in words_of(language)[:PER_LANGUAGE]
        # A few were cut out of markup.
        if not set(word) & set('"()[]{}<>=|*#/')
    }
    return "".join(f"# {line}".rstrip() + "\n" for line in head) + "".join(
        f"{word}\n" for word in sorted(words, key=str.encode)
    )


def main() -> int:
    """Exit status 1 where `--check` finds another content."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        return int(FILE.read_text("utf-8") != content())
    FILE.write_text(content(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
