"""The token shards of the shards that were made anew, by the task that made them before."""

import pyarrow.parquet as pq

from webtext_py.bpe.encode_stage import TOKENS, encode_file, open_tokenizer
from webtext_py.engine.journal import NEW
from webtext_py.errors import InputError
from webtext_py.layout import SHARDS, TOKENIZER
from webtext_py.removal.files import Rewriting
from webtext_py.stage import Files
from webtext_py.tokens import TokenFile
from webtext_py.workspace import weighed

_FILES = Files(f"{TOKENS}/{{}}.parquet")


def encode_again(rewriting: Rewriting) -> bool:
    """Encodes the shards made anew. False where that cannot be: for flat files, which hold all
    shards, and where the vocabulary of `tokens/` is not that of `tokenizer/`."""
    steps, stages = rewriting.steps, rewriting.stages
    entry = stages.get(TOKENS)
    if entry is None or "shard" not in entry.upstream or entry.config["format"] != "parquet":
        return False
    try:
        tokenizer, vocabulary = open_tokenizer(steps.data / TOKENIZER.name())
    except (InputError, OSError):
        return False
    if tokenizer.digest != entry.config["tokenizer"]:
        return False
    new = steps.work / NEW
    names = [SHARDS.key(name) for name in SHARDS.among(rewriting.files)]
    made = steps.each(
        "encode",
        encode_file,
        [weighed(new / SHARDS.name(name), vocabulary, name=name) for name in names],
        [f"{NEW}/{_FILES.pattern}"],
        unit="bytes",
        options={"threads": 1},
        flat=False,
        digest=tokenizer.digest,
        pattern=None,
        text_field=entry.config["text_field"],
    )
    before = [steps.data / _FILES.name(name) for name in names]
    rows = sum(pq.read_metadata(path).num_rows for path in before)
    tokens = sum(sum(TokenFile(path).counts()) for path in before)
    rewriting.made(made)
    rewriting.counts[TOKENS] = {
        **entry.counts,
        "rows": entry.counts["rows"] + made.total("rows") - rows,
        "tokens": entry.counts["tokens"] + made.total("tokens") - tokens,
    }
    return True
