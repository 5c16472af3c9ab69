"""The sections of the page that are tables and charts. A section without figures is an empty list.

Every table and chart has an id: a test asks another database for each of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from webtext_py.markup import Html, bar, columns, percent, table, tag

Figures = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def head(title: str, *said: str) -> list[Html]:
    """A section's title and what there is to know of it."""
    return [tag("h2", title), *(tag("p", line, class_="dim") for line in said)]


def funnel(figures: Figures) -> list[Html]:
    """Every line and every URL with its end."""
    first = figures["stages"][0]["in"]
    rows = _ends("lines of submissions", figures["lines"], figures["lines"]["in"])
    for stage in figures["stages"]:
        rows += _ends(stage["stage"], stage, first)
    return [
        *head(
            "Where every line and every URL went",
            "A line names a URL, and each URL ends once: in the data set, or in one stage for one "
            "reason. What a stage keeps, the next one takes. Shares are of what the stage took, "
            "bars of all lines or all URLs.",
        ),
        table(["stage and end", "count", "share", ""], rows, id="funnel"),
    ]


def _ends(name: str, counts: Figures, most: int) -> list[list[object]]:
    """What a stage took, with its ends below it."""
    taken, kept = counts["in"], counts["kept"]
    rows: list[list[object]] = [
        [tag("strong", name), tag("strong", taken), "", bar(taken, most, kind="p")]
    ]
    rows.append([_inner("kept"), kept, percent(kept, taken), bar(kept, most)])
    for reason, count in counts["dropped"].items():
        rows.append([_inner(reason), count, percent(count, taken), bar(count, most, kind="d")])
    return rows


def _inner(end: str) -> Html:
    return tag("span", end, class_="in")


def posts(figures: Figures) -> list[Html]:
    """Links and karma by month."""
    months = filled(figures["months"])
    labels = [row["key"] for row in months]
    years = _years(labels)

    def chart(id: str, caption: str, **series: str) -> Html:
        values = {name: [row[key] for row in months] for name, key in series.items()}
        return columns(labels, values, caption, below=years, id=id)

    linked = {"links": [r["links"] for r in months], "documents": [r["documents"] for r in months]}
    karma = figures["karma"]
    return [
        *head(
            "Posts and karma",
            "A link is a URL that was voted for, at the month of its first submission; its karma "
            "is by the rule of the build.",
        ),
        columns(labels, linked, "Links by month, and those that became documents",
                below=years, id="months"),
        chart("submissions", "Submissions of these links by month", submissions="submissions"),
        chart("karma-months", "Karma of these links by month", karma="karma"),
        columns(
            [_range(row["key"]) for row in karma],
            {"links": [r["links"] for r in karma], "documents": [r["documents"] for r in karma]},
            "Links and documents by karma",
            id="karma",
        ),
    ]  # fmt: skip


def filled(rows: Rows) -> Rows:
    """Rows by month with those between that have none, so that the axis is time; what has no month
    comes last. Of more than a century, as wrong dates make, the months stay as they are."""
    known = {row["key"]: row for row in rows if row["key"] is not None}
    unknown = [{**row, "key": "unknown"} for row in rows if row["key"] is None]
    numbers = [12 * int(key[:4]) + int(key[5:]) - 1 for key in known]
    if not numbers or max(numbers) - min(numbers) > 1200:
        return [*known.values(), *unknown]
    keys = [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(min(numbers), max(numbers) + 1)]
    return [
        *(known.get(key) or {**dict.fromkeys(rows[0], 0), "key": key} for key in keys),
        *unknown,
    ]


def _years(months: Sequence[str]) -> list[str] | None:
    """The year below each January, or where there are few months, what fits."""
    named = [place for place, month in enumerate(months) if month.endswith("-01")]
    if len(months) < 36:
        return None
    kept = set(named[:: -(-len(named) // 12)])
    return [month[:4] if place in kept else "" for place, month in enumerate(months)]


def _range(least: int) -> str:
    return (
        "below 1" if least == 0 else f"{least:,}" if least == 1 else f"{least:,}-{2 * least - 1:,}"
    )


def domains(figures: Figures) -> list[Html]:
    """The domains with most documents; a published list beside them."""
    made = figures["domains"]
    said = (
        f"{made['of_links']:,} domains were linked, {made['of_documents']:,} have documents. A "
        "domain is what was bought: blogspot.com of a.blogspot.com. Links count where they point, "
        "documents where redirects led."
    )
    parts = [*head("Domains", said), _top(made["top"], "domain", figures, "domains-top")]
    if figures["published_list"] is not None:
        parts += _published(figures["published_list"])
    return parts


def subreddits(figures: Figures) -> list[Html]:
    """The subreddits with most documents."""
    made = figures["subreddits"]
    said = (
        f"{made['of_links']:,} subreddits posted links, {made['of_documents']:,} documents. "
        "A link counts for the subreddit of its best submission."
    )
    parts = head("Subreddits", said)
    return [*parts, _top(made["top"], "subreddit", figures, "subreddits-top")]


def _top(top: Rows, what: str, figures: Figures, id: str) -> Html:
    most = max((row["documents"] for row in top), default=0)
    rows = [
        [
            place,
            row["key"] or "(none)",
            row["links"],
            row["documents"],
            percent(row["documents"], figures["documents"]),
            row["words"],
            bar(row["documents"], most),
        ]
        for place, row in enumerate(top, 1)
    ]
    names = ["", what, "links", "documents", "share", "words", ""]
    caption = f"The {len(top)} with most documents"
    return table(names, rows, caption, words=(1,), sortable=True, id=id)


def _published(made: Figures) -> list[Html]:
    depths = ", ".join(f"{row['common']} of the first {row['depth']:,}" for row in made["depths"])
    said = [
        f"{made['found']:,} of its {made['names']:,} names have documents here: "
        f"{made['documents']:,} documents, {100 * made['share']:.2f} % of all. In both: {depths}."
    ]
    if made["rank_correlation"] is not None:
        said.append(
            f"Rank correlation (Spearman) of those in both: {made['rank_correlation']:.3f}."
        )
    if made["bare"]:
        said.append("Its names have no suffix, so ours are added up without theirs.")
    if made["unread"]:
        said.append(f"{made['unread']:,} of its lines name no domain.")
    rows = [
        [
            row["their_rank"],
            row["name"],
            "" if row["their_share"] is None else f"{100 * row['their_share']:.2f} %",
            "-" if row["rank"] is None else row["rank"],
            row["documents"],
            f"{100 * row['share']:.2f} %",
        ]
        for row in made["rows"]
    ]
    names = ["its rank", "name", "its share", "our rank", "documents", "our share"]
    made_table = table(names, rows, words=(1,), sortable=True, id="published-list")
    return [tag("h3", "Beside the published list"), tag("p", " ".join(said)), made_table]


def texts(figures: Figures) -> list[Html]:
    """Lengths, languages, dates."""
    lengths, fetched = figures["lengths"], filled(figures["fetched"])
    published, years = figures["published"], {None: "unknown", "1989": "before 1990"}
    languages = figures["languages"]
    most = max((row["documents"] for row in languages), default=0)
    rows = [
        [
            row["key"],
            row["documents"],
            percent(row["documents"], figures["documents"]),
            row["words"],
            bar(row["documents"], most),
        ]
        for row in languages
    ]
    return [
        *head("Texts", "Words are those of the overlap normaliser; a language is by detection."),
        _documents([_range(r["key"]) for r in lengths], lengths, "Documents by words", "lengths"),
        table(["language", "documents", "share", "words", ""], rows, sortable=True, id="languages"),
        columns([r["key"] for r in fetched], {"documents": [r["documents"] for r in fetched]},
                "Documents by the month of their capture",
                below=_years([r["key"] for r in fetched]), id="fetched"),
        _documents([years.get(r["key"], r["key"]) for r in published], published,
                   "Documents by the year of publication, as the page says it", "published"),
    ]  # fmt: skip


def _documents(labels: Sequence[str], rows: Rows, caption: str, id: str) -> Html:
    return columns(labels, {"documents": [row["documents"] for row in rows]}, caption, id=id)


def wikipedia(figures: Figures) -> list[Html]:
    """What its removal took."""
    made = figures["wikipedia"]
    rows = [[row["stage"], row["outcome"], row["urls"]] for row in made["ends"]]
    parts = head(
        "What the removal of Wikipedia took",
        "By host where a URL is Wikipedia's or a mirror's, by content where a text holds enough of "
        "the articles given.",
    )
    parts.append(table(["stage", "end", "URLs"], rows, words=(0, 1), id="wikipedia-ends"))
    if made["removed"]:
        labels = [f"{100 * share:.0f} %" for share, _ in made["shares"]]
        values = {"documents": [count for _, count in made["shares"]]}
        caption = "Removed by content, by the share of their 8-grams that articles hold (from)"
        parts.append(columns(labels, values, caption, id="wikipedia-shares"))
        names = ["article that holds most of it", "documents"]
        parts.append(table(names, made["articles"], sortable=True, id="wikipedia-articles"))
    return parts
