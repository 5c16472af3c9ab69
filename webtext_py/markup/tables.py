"""Tables and the numbers above them."""

from collections.abc import Collection, Iterable, Sequence

from webtext_py.markup.html import Html, join, tag, text


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    caption: object = None,
    *,
    words: Collection[int] = (0,),
    sortable: bool = False,
    id: str | None = None,
) -> Html:
    """A table; the columns `words` are set left, others right as numbers are. What is wider than
    the screen scrolls inside it. `sortable` is for a page that is."""

    def cells(name: str, row: Sequence[object], **attributes: object) -> Html:
        return join(
            tag(name, cell, class_="w" if place in words else None, **attributes)
            for place, cell in enumerate(row)
        )

    body = join((tag("tr", cells("td", row)) for row in rows), "\n")
    inner = [
        tag("caption", caption) if caption is not None else "",
        tag("thead", tag("tr", cells("th", head, scope="col"))),
        tag("tbody", body),
    ]
    return tag(
        "div", tag("table", *inner, id=id, class_="sort" if sortable else None), class_="wide"
    )


def bar(part: float, most: float, kind: str = "b") -> Html:
    """A bar for a cell: `part` of the greatest value `most`; its `kind` is b, p (paler) or d (of
    what was dropped)."""
    width = 100 * part / most if most else 0
    drawn = Html(f'<rect class="{kind}" width="{width:.2f}%" height="10" rx="2"/>')
    return tag("svg", drawn, class_="bar", width="100%", height="10", aria_hidden="true")


def tiles(numbers: Iterable[tuple[object, object]]) -> Html:
    """The few numbers that say most: each with what it counts."""
    return tag(
        "dl",
        *(tag("div", tag("dd", text(value)), tag("dt", name)) for name, value in numbers),
        class_="tiles",
    )


def percent(part: float, whole: float) -> str:
    """`12.34 %`, or a dash of nothing."""
    return f"{100 * part / whole:.2f} %" if whole else "-"
