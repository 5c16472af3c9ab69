"""The sections of the page on what was made from the data set, and on what it all cost."""

from webtext_py.evaluate.page import table_rows
from webtext_py.markup import Html, percent, table, tag
from webtext_py.report.sections import Figures, Rows, head
from webtext_py.sizes import size


def tokens(figures: Figures) -> list[Html]:
    """Tokens, and the vocabulary's longest and rarest entries."""
    made = figures["tokens"]
    if made is None:
        return []
    said = []
    if made["tokens"] is not None:
        said.append(
            f"{made['tokens']:,} tokens in {made['rows']:,} rows, each beginning with "
            f"<|endoftext|>; {made['bytes_per_token']:.3f} bytes of text a token."
        )
    found = made["vocabulary"]
    if found is not None:
        said.append(f"The vocabulary has {found['entries']:,} entries.")
        if found["unused"] is not None:
            said.append(f"{found['unused']:,} of them stand nowhere in the tokens.")
    parts = head("Tokens and vocabulary", " ".join(said))
    if found is not None:
        shown = [_entries(found["longest"], "Longest entries", "longest")]
        if found["rarest"] is not None:
            shown.append(_entries(found["rarest"], "Rarest entries in use", "rarest"))
        parts.append(tag("div", *shown, class_="halves"))
    return parts


def _entries(entries: Rows, caption: str, id: str) -> Html:
    rows = [
        [row["id"], tag("code", _visible(row["text"])), row["bytes"], row["uses"]]
        for row in entries
    ]
    return table(["id", "entry", "bytes", "uses"], rows, caption, words=(1,), sortable=True, id=id)


def _visible(entry: str) -> str:
    """An entry with its spaces and controls in sight, and no longer than a line."""
    spelt = "".join(
        c if c.isprintable() and c != " " else "\u2423" if c == " " else repr(c)[1:-1]
        for c in entry[:60]
    )
    return spelt + ("..." if len(entry) > 60 else "")


def overlap(figures: Figures) -> list[Html]:
    """Each test set's share in the training shards, with its own page."""
    rows = [
        [
            tag("a", row["test"], href=f"../{row['page']}"),
            row["n"],
            row["ngrams"]["total"],
            row["ngrams"]["found"],
            percent(row["ngrams"]["found"], row["ngrams"]["total"]),
            row["examples"]["total"],
            row["examples"]["any"],
            row["examples"]["over_50"],
        ]
        for row in figures["overlap"]
    ]
    if not rows:
        return []
    names = ["test set", "n", "n-grams", "found", "share", "examples", "with any", "over half"]
    return [
        *head(
            "Overlap with test sets", "N-grams of each test set that stand in the training text."
        ),
        table(names, rows, sortable=True, id="overlap-sets"),
    ]


def evaluation(figures: Figures) -> list[Html]:
    """The scores of each model that was evaluated, with its own page."""
    parts = []
    for place, row in enumerate(figures["evaluation"]):
        parts.append(tag("h3", tag("a", row["name"], href=f"../{row['page']}")))
        names, rows = table_rows(row)
        parts.append(table(names, rows, words=(0, 1), sortable=True, id=f"scores-{place}"))
    said = "Published figures stand beside scores of the same protocol."
    return [*head("Evaluations", said), *parts] if parts else []


def cost(figures: Figures) -> list[Html]:
    """Seconds, memory and disk of each stage: of this machine and day."""
    rows = [
        [
            row["stage"],
            f"{row['seconds']:,.2f}",
            size(row["peak_memory_bytes"]),
            row["files"],
            size(row["disk_bytes"]),
        ]
        for row in figures["cost"]
    ]
    names = ["stage", "seconds", "peak memory", "files", "disk"]
    said = (
        "Of the machine and the day on which each stage ran: outside the digest. Memory is the "
        "greatest of one process."
    )
    return [
        Html("<!-- cost: begins -->"),
        *head("Time, memory and disk", said),
        table(names, rows, sortable=True, id="cost-stages"),
        Html("<!-- cost: ends -->"),
    ]
