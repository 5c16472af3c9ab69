"""Charts: SVG of a few rectangles, with widths in percent.

Font, colours and width are the page's, so a chart fits a telephone, a dark screen and paper, which
no drawing made beforehand does; its text can be searched and read aloud, and a report needs no
library of charts where it is made.
"""

from collections.abc import Mapping, Sequence

from webtext_py.markup.html import Html, join, tag, text

HEIGHT = 170  # of the plot, in pixels
MOST_LABELS = 12  # below the bars
LEAST_ROOMS = 8  # for bars: a few are not as wide as the page

Series = Mapping[str, Sequence[int]]


def columns(
    labels: Sequence[str],
    series: Series,
    caption: object,
    *,
    below: Sequence[str] | None = None,
    id: str | None = None,
) -> Html:
    """Upright bars over `labels`: one for each value of the one series, or of two, the second drawn
    before the first, of which it is a part. A bar says its counts when it is pointed at.

    `below` are the labels to write, empty where a bar has none; by default so many as have room.
    """
    most = max((value for values in series.values() for value in values), default=0) or 1
    step = _step(most)
    top = step * -(-most // step)
    count = max(LEAST_ROOMS, len(labels))
    every = -(-count // MOST_LABELS)
    below = below or [label if i % every == 0 else "" for i, label in enumerate(labels)]
    kinds = ["b"] if len(series) == 1 else ["p", "b"]
    shown = 0
    drawn = [_grid(value, top) for value in range(0, top + 1, step)]
    for i, label in enumerate(labels):
        said = "; ".join(f"{name} {values[i]:,}" for name, values in series.items())
        bars = [
            _bar(kind, i, count, values[i] / top)
            for kind, values in zip(kinds, series.values(), strict=True)
        ]
        drawn.append(tag("g", tag("title", f"{label}: {said}"), *bars, _hover(i, count)))
        if below[i]:
            place = f'x="{100 * (i + 0.5) / count:.3f}%" y="{HEIGHT + 18}" text-anchor="middle"'
            shown += 1
            kind = "" if shown % 2 else ' class="o"'  # every other one goes on a narrow screen
            drawn.append(Html(f"<text {place}{kind}>{text(below[i])}</text>"))
    chart = tag(
        "svg",
        join(drawn, "\n"),
        class_="chart",
        width="100%",
        height=HEIGHT + 26,
        role="img",
        aria_label=caption,
    )
    return tag("figure", tag("figcaption", caption, _legend(series)), chart, id=id)


def _bar(kind: str, place: int, count: int, share: float) -> Html:
    height = HEIGHT * share
    wide = 100 / count
    gap = 0.22 if count < 40 else 0.08  # of a bar's room
    return Html(
        f'<rect class="{kind}" x="{wide * (place + gap / 2):.3f}%" y="{HEIGHT - height:.2f}" '
        f'width="{wide * (1 - gap):.3f}%" height="{height:.2f}"/>'
    )


def _hover(place: int, count: int) -> Html:
    """What is pointed at, where a bar is low."""
    wide = 100 / count
    return Html(
        f'<rect class="h" x="{wide * place:.3f}%" y="0" width="{wide:.3f}%" height="{HEIGHT}"/>'
    )


def _grid(value: int, top: int) -> Html:
    y = HEIGHT - HEIGHT * value / top
    line = f'<line class="x" x1="0" x2="100%" y1="{y:.2f}" y2="{y:.2f}"/>'
    place = f'x="-8" y="{y + 4:.2f}" text-anchor="end"'
    return Html(f'{line}<text class="y" {place}>{_short(value, top)}</text>')


def _step(most: int) -> int:
    """The distance of grid lines: 1, 2 or 5 times a power of ten, for three to six of them."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if most <= 4 * step:
                return step
        power *= 10


def _short(value: int, top: int) -> str:
    """A number beside a grid line, in the unit that fits the highest: 1,500 or 20k or 3M."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if top >= 5 * size and value % (size // 10) == 0:
            return f"{value / size:g}{unit}" if value else "0"
    return f"{value:,}"


def _legend(series: Series) -> Html:
    if len(series) == 1:
        return Html()
    names = list(series)
    return join(
        tag("span", tag("span", class_=f"key {kind}"), name, class_="legend")
        for kind, name in zip(("p", "b"), names, strict=True)
    )
