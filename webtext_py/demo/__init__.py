"""The demo data: a small dump, the pages it links to and test sets, all written for this project.

`expected.json` beside them says how every line and every link must end; the source texts and the
builder are in `tools/demo` of the repository.
"""

from importlib.resources import files
from pathlib import Path

__all__ = ["expected", "pages", "submissions", "tasks", "test_set"]

_FOLDER = Path(str(files(__name__)))


def submissions() -> Path:
    """The submission dump: newline-delimited JSON in zstd."""
    return _FOLDER / "RS_demo.ndjson.zst"


def pages() -> Path:
    """The archive of the pages: WARC/1.1, one gzip member a record."""
    return _FOLDER / "pages.warc.gz"


def test_set() -> Path:
    """The test set for `webtext overlap`: JSONL in the shape of SQuAD."""
    return _FOLDER / "squad.jsonl"


def tasks() -> dict[str, Path]:
    """The items for `webtext eval`: files by the name of their task, a form each."""
    return {path.stem: path for path in sorted((_FOLDER / "eval").iterdir())}


def expected() -> Path:
    """What must come of each line, link and test example: JSON."""
    return _FOLDER / "expected.json"
