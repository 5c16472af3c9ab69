"""Where the tables of a data directory lie: each name is spelled here and nowhere else.

`records.py` has their columns; the stage that owns a kind of file lists it.
"""

from pathlib import Path

from webtext_py.errors import ConfigError
from webtext_py.stage import Files

LINES = Files("ledger/lines.parquet")
LEDGER_SAMPLE = Files("ledger/sample.parquet")
LINKS = Files("links/part-{}.parquet")
CAPTURES = Files("pages/index-{}.parquet")
GOOD_CAPTURES = Files("pages/good-{}.parquet")
SCANS = Files("pages/scan-{}.arrow")
LEFT = Files("pages/left-{}.parquet")
FETCHED = Files("pages/fetched.parquet")
DOCUMENTS = Files("documents/part-{}.parquet")
DUPLICATES = Files("duplicates/part-{}.parquet")
WIKIPEDIA = Files("wikipedia/part-{}.parquet")
SHARDS = Files("shards/{}.parquet")
TRAIN_SHARDS = Files("shards/train-{}.parquet")
TOKENIZER = Files("tokenizer/{}")
REMOVED = Files("removed/list.parquet")
REPORT = Files("report/{}")


def url_ends(stage: str) -> Files:
    """The ledger's rows of the URLs that end in a stage."""
    return Files(f"ledger/urls-{stage}-{{}}.parquet")


ALL_URL_ENDS = Files("ledger/urls-{}.parquet")


def plain_name(name: str, of: str) -> str:
    """`name`, of a run or a result; raises `ConfigError` for what is no name of a file."""
    plain = name == Path(name).name and name.isprintable() and "{" not in name
    if not name or not plain or name.startswith("."):
        found = f"{of} is {name!r}, expected a name: no path, no `{{`, and no dot at its start"
        raise ConfigError(found, "runs and results lie side by side in the data directory")
    return name
