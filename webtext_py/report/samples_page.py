"""The sections of the page that show texts: duplicates side by side, documents, what was dropped.

A URL is text here and no link: nobody should end on a stranger's page by a slip of the hand.
"""

from collections.abc import Sequence

from webtext_py.ledger import KEPT
from webtext_py.markup import Html, columns, percent, tag
from webtext_py.report.sections import Figures, head


def duplicates(figures: Figures) -> list[Html]:
    """Clusters by size, near-duplicates by similarity, the largest with their texts."""
    made = figures["duplicates"]
    said = (
        f"{made['removed']:,} documents were removed, {made['exact']:,} with the words of another "
        f"and {made['near']:,} nearly so, in {made['clusters']:,} clusters; one of each cluster is "
        "kept: highest karma, then earliest."
    )
    parts = head("Duplicates", said)
    if not made["clusters"]:
        return parts
    labels, values = _sizes(made["sizes"])
    caption = "Clusters by their documents, the kept one among them"
    parts.append(columns(labels, {"clusters": values}, caption, id="cluster-sizes"))
    if made["similarities"]:
        labels = [f"{100 * least:.0f} %" for least, _ in made["similarities"]]
        values = [count for _, count in made["similarities"]]
        caption = "Near-duplicates by their Jaccard similarity with the kept document (from)"
        parts.append(columns(labels, {"documents": values}, caption, id="similarities"))
    parts.append(tag("h3", "The largest clusters"))
    note = "Each with the removed document least like the kept one; words that differ are marked."
    return [*parts, tag("p", note, class_="dim"), *map(_cluster, made["largest"])]


def _sizes(sizes: Sequence[Sequence[int]]) -> tuple[list[str], list[int]]:
    """Clusters by size: 2, 3, 4, then by doublings."""
    bins: dict[tuple[int, int], int] = {}
    for documents, clusters in sizes:
        least = documents if documents < 4 else 1 << (documents.bit_length() - 1)
        most = least if least < 4 else 2 * least - 1
        bins[least, most] = bins.get((least, most), 0) + clusters
    labels = [f"{a}" if a == b else f"{a:,}-{b:,}" for a, b in sorted(bins)]
    return labels, [bins[key] for key in sorted(bins)]


def _cluster(row: Figures) -> Html:
    made = row["difference"]
    similar = f"{row['kind']}, similarity {100 * row['jaccard_kept']:.1f} %"
    title = f"{row['documents']:,} documents ({row['near']:,} near)"
    words = (
        f"{similar}; {made['only_kept']:,} words only in the kept one, "
        f"{made['only_removed']:,} only in the removed"
    )
    if made["skipped_words"]:
        words += f"; {made['skipped_words']:,} equal words before are left out"
    sides = [
        tag("div", tag("strong", name), _facts(row[name], row[name]["url"]), _side(made, name, cut))
        for name, cut in zip(("kept", "removed"), made["cut"], strict=True)
    ]
    summary = tag("summary", title, " ", tag("span", words, class_="dim"))
    open = bool(made["only_kept"] or made["only_removed"])  # equal words need no look
    return tag("details", summary, tag("div", *sides, class_="pair"), open=open)


def _side(made: Figures, name: str, cut: bool) -> Html:
    """One of two texts, with the words marked that the other lacks."""
    parts: list[object] = ["[...]" if made["skipped_words"] else ""]
    for text, other in made[name]:
        words = text.lstrip()
        parts += [text[: len(text) - len(words)], tag("mark", words) if other else words]
    return tag("div", *parts, " [...]" if cut else "", class_="text", dir="auto")


def documents(figures: Figures) -> list[Html]:
    """Documents of the data set, by a keyed hash."""
    kept = [end for end in figures["samples"] if end["outcome"] == KEPT]
    rows = [row for end in kept for row in end["rows"]]
    said = "The first by a keyed hash of their URLs: random, and the same for everyone."
    return [
        *head("Ten documents", said),
        *(_document(row, open=i < 2) for i, row in enumerate(rows)),
    ]


def drops(figures: Figures) -> list[Html]:
    """Of each reason in each stage, what was dropped."""
    said = (
        "Chosen in the same way. There is a text where a document was dropped, not a page, a URL "
        "or a line; of a damaged line it is how that begins. What was removed for good is counted "
        "and not named."
    )
    whole = {"lines": figures["lines"]["in"]}
    whole |= {stage["stage"]: stage["in"] for stage in figures["stages"]}
    parts = head("Ten of each that was dropped", said)
    for end in figures["samples"]:
        if end["outcome"] == KEPT:
            continue
        taken = whole[end["stage"]]
        facts = f"{end['count']:,} of {taken:,} in {end['stage']} ({percent(end['count'], taken)})"
        summary = tag("summary", end["outcome"], " ", tag("span", facts, class_="dim"))
        shown = [_document(row) if row["text"] is not None else _url(row) for row in end["rows"]]
        parts.append(tag("details", summary, *shown, data_end=f"{end['stage']}/{end['outcome']}"))
    return parts


def _document(row: Figures, *, open: bool = False) -> Html:
    title = row["title"] or _name(row)
    facts = _facts(row, _name(row))
    text = tag("div", row["text"], " [...]" if row["cut"] else "", class_="text", dir="auto")
    return tag("details", tag("summary", tag("bdi", title)), facts, text, open=open)


def _url(row: Figures) -> Html:
    return tag("article", _facts(row, _name(row)))


def _name(row: Figures) -> str:
    """Its URL, of a line without one its place."""
    return str(row["url"] or row.get("url_key") or f"line {row['line']:,} of {row['file']}")


def _facts(row: Figures, url: str) -> Html:
    """URL, subreddit, karma, day, language, words: what is known of them."""
    known = [
        (name, row.get(name))
        for name in ("subreddit", "karma", "posted", "language", "words")
        if row.get(name) is not None
    ]  # fmt: skip
    said = [
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in known
    ]
    shown = [tag("bdi", url), *([Html("<br>"), tag("bdi", ", ".join(said))] if said else [])]
    return tag("div", *shown, class_="dim")
