"""Arrow schemas of every table on disk, in one place: each column's name, type and meaning.

`docs/formats.md` is generated from these; a stage builds its tables with `table()` so that a
column that is missing, surplus or of another type fails where it is made.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from webtext_py import layout

# Milliseconds: the coarsest unit that Parquet has.
TIMESTAMP = pa.timestamp("ms", tz="UTC")
HEADERS = pa.list_(
    pa.struct([pa.field("name", pa.string(), False), pa.field("value", pa.string(), False)])
)
LOCATION = pa.struct(
    [
        pa.field("file", pa.string(), False),
        pa.field("offset", pa.int64(), False),
        pa.field("length", pa.int64(), False),
        # Decoded bytes before a record that shares its compressed member; null where it does not.
        pa.field("skip", pa.int64()),
    ]
)


def _column(name: str, kind: pa.DataType, meaning: str, *, null: bool = False) -> pa.Field:
    return pa.field(name, kind, null, metadata={"meaning": meaning})


_URL_KEY = _column("url_key", pa.string(), "canonical form of the URL, for joining")

LINKS = pa.schema(
    [
        _URL_KEY,
        _column("url", pa.string(), "as posted in the best submission, HTML entities undone"),
        _column("karma", pa.int64(), "by `--karma-rule` over the URL's submissions in the dates"),
        _column("submissions", pa.int64(), "how many submissions, each `submission_id` once"),
        _column("created_utc", TIMESTAMP, "the earliest submission's time"),
        _column("submission_id", pa.string(), "the best submission: highest karma, then earliest"),
        _column("subreddit", pa.string(), "of the best submission", null=True),
        _column("over_18", pa.bool_(), "whether any submission is marked so"),
    ]
)

CAPTURES = pa.schema(
    [
        _URL_KEY,
        _column("url", pa.string(), "the capture's own URL"),
        _column("final_url", pa.string(), "the URL that the payload came from, after redirects"),
        _column("redirects", pa.list_(pa.string()), "URLs passed on the way, in order"),
        _column("status", pa.int32(), "HTTP status; null where the record has none", null=True),
        _column("content_type", pa.string(), "the HTTP header as it stands", null=True),
        _column("http_headers", HEADERS, "response headers in order"),
        _column("fetched_at", TIMESTAMP, "time of the capture", null=True),
        _column("outcome", pa.string(), "`good` (2xx and HTML) or the reason why not"),
        _column("source", pa.string(), "archive, live, wayback or commoncrawl"),
        _column("container", pa.string(), "warc, arc, html or parquet"),
        _column(
            "location",
            LOCATION,
            "file; offset and length in bytes, bytes to skip (or row, 1; or row group, 1, rows)",
        ),
        _column(
            "payload_digest", pa.string(), "`sha1:` and base32, as in WARC; of records", null=True
        ),
    ]
)

# What each source that was asked over the network did for a link.
FETCHED = pa.schema(
    [
        _URL_KEY,
        _column("url", pa.string(), "as it was asked for"),
        _column("source", pa.string(), "live, wayback or commoncrawl"),
        _column("outcome", pa.string(), "`good` or the reason why not"),
        _column("detail", pa.string(), "what was seen"),
        _column("final_url", pa.string(), "after redirects", null=True),
        _column("redirects", pa.list_(pa.string()), "URLs passed on the way, in order"),
        _column("status", pa.int32(), "the last HTTP status", null=True),
        _column(
            "fetched_at", TIMESTAMP, "when it was asked for, or the time of its capture", null=True
        ),
        _column("file", pa.string(), "the WARC file; null where nothing was kept", null=True),
        _column("offset", pa.int64(), "bytes before its records"),
        _column("length", pa.int64(), "bytes of its records"),
    ]
)

# What each link's page was found to be: the capture chosen for it, with what the text will carry.
GOOD_CAPTURES = pa.schema(
    [
        *CAPTURES,
        _column("karma", pa.int64(), "of the link"),
        _column("subreddit", pa.string(), "of the link", null=True),
        _column("created_utc", TIMESTAMP, "of the link"),
    ]
)

SHARDS = pa.schema(
    [
        _column("doc_id", pa.string(), "first 128 bits of SHA-256 of `url_key`, in hex"),
        _column("url", pa.string(), "the URL that the text came from, after redirects"),
        _column("title", pa.string(), "the page's title", null=True),
        _column("text", pa.large_string(), "the main text: paragraphs separated by newlines"),
        _column("language", pa.string(), "ISO 639-1 by detection, `und` where unsure"),
        _column("published", pa.date32(), "by the page, never after `fetched_at`", null=True),
        _column("karma", pa.int64(), "of the link"),
        _column("subreddit", pa.string(), "of the link", null=True),
        _column("created_utc", TIMESTAMP, "of the link"),
        _column("fetched_at", TIMESTAMP, "of the capture", null=True),
        _column("extractor", pa.string(), "name and version of what made the text"),
        _column("bytes", pa.int64(), "of `text` in UTF-8"),
        _column("words", pa.int64(), "of `text`, by the overlap normaliser"),
    ]
)

# Inside a build a document also carries its key, for the ledger.
DOCUMENTS = pa.schema([_URL_KEY, *SHARDS])

# What `webtext extract` writes of each page.
EXTRACTED = pa.schema(
    [
        _column("url", pa.string(), "the page's; of an HTML file its name"),
        *(SHARDS.field(name) for name in ("title", "text", "language", "published", "extractor")),
    ]
)

DUPLICATES = pa.schema(
    [
        _column("doc_id", pa.string(), "the removed document"),
        _column("kept_doc_id", pa.string(), "the survivor of its cluster"),
        _column("via_doc_id", pa.string(), "the document it was verified against"),
        _column("kind", pa.string(), "exact or near"),
        _column("jaccard", pa.float64(), "of the shingle sets, with `via_doc_id`"),
        _column("jaccard_kept", pa.float64(), "of the shingle sets, with `kept_doc_id`"),
    ]
)

WIKIPEDIA = pa.schema(
    [
        _column("doc_id", pa.string(), "the removed document"),
        _column("share", pa.float64(), "of its 8-grams, repeats counted, that articles hold"),
        _column("title", pa.string(), "the article that holds most of them", null=True),
        _column("title_ngrams", pa.int64(), "how many distinct ones that article holds"),
    ]
)

LEDGER_LINES = pa.schema(
    [
        _column("file", pa.string(), "the dump, by its name"),
        _column("outcome", pa.string(), "`kept` or the reason"),
        _column("lines", pa.int64(), "how many"),
    ]
)

# Ten of each reason of `links`, by a keyed hash of what names them. No text of a page.
LEDGER_SAMPLE = pa.schema(
    [
        _column("outcome", pa.string(), "the reason"),
        _column("place", pa.uint64(), "the hash; those of a reason with the lowest are here"),
        _column("file", pa.string(), "the dump, of a line; null of a URL", null=True),
        _column("line", pa.uint64(), "its number from 0, where it ended as a line", null=True),
        _column("url_key", pa.string(), "of a URL; null of a line", null=True),
        _column("url", pa.string(), "as posted, HTML entities undone; 2,000 characters", null=True),
        _column("karma", pa.int64(), "of the line, or of the URL as in `links/`", null=True),
        _column("subreddit", pa.string(), "the same", null=True),
        _column("created_utc", pa.int64(), "Unix seconds, the same", null=True),
        _column("text", pa.string(), "how a damaged line begins: 1,000 bytes", null=True),
    ]
)

LEDGER_URLS = pa.schema(
    [
        _URL_KEY,
        _column("stage", pa.string(), "where the URL ended"),
        _column("outcome", pa.string(), "`kept` or the reason"),
        _column("doc_id", pa.string(), "null where no text was made", null=True),
    ]
)

# What `webtext remove` took out for good; the metadata holds the layout of the shards.
REMOVED = pa.schema(
    [
        _column("kind", pa.string(), "`url`, `domain` or `doc_id` as asked for; or `duplicate`"),
        _column("value", pa.string(), "the `url_key`, the domain or the `doc_id`"),
        _column(
            "kept_doc_id",
            pa.string(),
            "of a `duplicate`: the removed document for which it had been dropped",
            null=True,
        ),
        _column("promote", pa.bool_(), "whether duplicates took the place of what was asked for"),
        _column("reason", pa.string(), "as given", null=True),
    ]
)


# Above 65,536 entries ids are uint32.
TOKENS_UINT16 = pa.schema(
    [
        _column("doc_id", pa.string(), "the shard's, row for row"),
        _column("tokens", pa.list_(pa.uint16()), "ids; every row begins with `<|endoftext|>`"),
    ]
)

# Where each table lies, for the generated docs.
SCHEMAS: Mapping[str, tuple[str, pa.Schema]] = {
    "links": (layout.LINKS.glob, LINKS),
    "captures": (layout.CAPTURES.glob, CAPTURES),
    "fetched": (layout.FETCHED.glob, FETCHED),
    "good captures": (layout.GOOD_CAPTURES.glob, GOOD_CAPTURES),
    "documents": (layout.DOCUMENTS.glob, DOCUMENTS),
    "extracted": ("extracted/part-*.parquet", EXTRACTED),
    "shards": (layout.SHARDS.glob, SHARDS),
    "duplicates": (layout.DUPLICATES.glob, DUPLICATES),
    "wikipedia": (layout.WIKIPEDIA.glob, WIKIPEDIA),
    "ledger lines": (layout.LINES.glob, LEDGER_LINES),
    "ledger sample": (layout.LEDGER_SAMPLE.glob, LEDGER_SAMPLE),
    "ledger urls": (layout.ALL_URL_ENDS.glob, LEDGER_URLS),
    "tokens": ("tokens/*.parquet", TOKENS_UINT16),
    "removed": (layout.REMOVED.glob, REMOVED),
}


def required(**columns: pa.DataType) -> pa.Schema:
    """The schema of a working file: columns without nulls."""
    return pa.schema([pa.field(name, kind, False) for name, kind in columns.items()])


def doc_id(url_key: str) -> str:
    """First 128 bits of SHA-256 of `url_key`, as 32 hexadecimal digits."""
    return hashlib.sha256(url_key.encode()).hexdigest()[:32]


def table(schema: pa.Schema, columns: Mapping[str, Any]) -> pa.Table:
    """A table of exactly `schema`'s columns, in its order.

    Raises `KeyError` for a missing column, `ValueError` for a surplus one or a null in a column
    that has none, and Arrow's errors for values of another type.
    """
    surplus = set(columns) - set(schema.names)
    if surplus:
        raise ValueError(f"columns not in the schema: {sorted(surplus)}")
    arrays = []
    for field in schema:
        values = columns[field.name]
        if isinstance(values, pa.Array | pa.ChunkedArray):
            values = values.cast(field.type)
        else:
            values = pa.array(values, field.type)
        if values.null_count and not field.nullable:
            raise ValueError(f"column `{field.name}` has {values.null_count} nulls; none allowed")
        arrays.append(values)
    return pa.table(arrays, schema=schema)
