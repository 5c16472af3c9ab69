"""The report as a page."""

from webtext_py.markup import Html, page, tag, tiles
from webtext_py.report import made_page, samples_page, sections
from webtext_py.report.sections import Figures
from webtext_py.sizes import size

_SECTIONS = (
    ("funnel", "Where it went", sections.funnel),
    ("posts", "Posts", sections.posts),
    ("domains", "Domains", sections.domains),
    ("subreddits", "Subreddits", sections.subreddits),
    ("texts", "Texts", sections.texts),
    ("duplicates", "Duplicates", samples_page.duplicates),
    ("wikipedia", "Wikipedia", sections.wikipedia),
    ("tokens", "Tokens", made_page.tokens),
    ("overlap", "Overlap", made_page.overlap),
    ("evaluation", "Evaluation", made_page.evaluation),
    ("documents", "Ten documents", samples_page.documents),
    ("drops", "Ten of each drop", samples_page.drops),
    ("cost", "Cost", made_page.cost),
)


def render(figures: Figures) -> str:
    """The page of the object that `figures.figures` makes."""
    shown = [(id, name, body) for id, name, made in _SECTIONS if (body := made(figures))]
    links = [tag("a", name, href=f"#{id}") for id, name, _ in shown]
    parts = [tag("section", *body, id=id) for id, _, body in shown]
    return page(
        "webtext: the data set and where the rest went",
        _head(figures),
        tag("nav", *links, aria_label="Sections"),
        tag("main", *parts),
        _foot(figures),
        sortable=True,
    )


def _head(figures: Figures) -> Html:
    lines, first = figures["lines"], figures["stages"][0]
    said = (
        f"{lines['in']:,} lines of submissions named {first['in']:,} URLs; "
        f"{first['kept']:,} were voted for and allowed, and {figures['documents']:,} of them are "
        "documents of this data set."
    )
    numbers: list[tuple[object, object]] = [
        ("documents", figures["documents"]),
        ("words", figures["words"]),
        ("of text", size(figures["bytes"])),
        ("domains", figures["domains"]["of_documents"]),
        ("subreddits", figures["subreddits"]["of_documents"]),
    ]
    tokens = figures["tokens"]
    if tokens and tokens["tokens"] is not None:
        numbers.insert(3, ("tokens", tokens["tokens"]))
    return tag(
        "header",
        tag("h1", "The data set, and where the rest went"),
        tag("p", said, class_="lead"),
        tiles(numbers),
    )


def _foot(figures: Figures) -> Html:
    said = (
        "Every figure is counted from the tables of the data directory; report.json has the same. "
        "Digest of the figures, without cost: "
    )
    licence = "The texts belong to their publishers. Excerpts end at 2,000 characters."
    return tag(
        "footer",
        tag("p", said, tag("code", figures["digest"]), class_="dim"),
        tag("p", licence, class_="dim"),
    )
