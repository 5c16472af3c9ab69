"""Markup that is safe by its type."""

from collections.abc import Iterable
from html import escape


class Html(str):
    """Markup that is put as it stands; any other value is escaped."""

    __slots__ = ()


def text(value: object) -> Html:
    """`value` as markup, escaped unless it is `Html`; commas in whole numbers; None is nothing."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html()
    if isinstance(value, int) and not isinstance(value, bool):
        return Html(f"{value:,}")
    # Lone surrogates, which no page can hold, become question marks.
    return Html(escape(str(value).encode("utf-8", "replace").decode()))


def join(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after the other, with the markup `between` them."""
    return Html(between.join(text(part) for part in parts))


def tag(name: str, *content: object, **attributes: object) -> Html:
    """An element. `class_` is the attribute `class`; one that is None or False is left out, one
    that is True has no value."""
    said = "".join(
        f" {_spelt(key)}" if value is True else f' {_spelt(key)}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{said}>{join(content)}</{name}>")


def _spelt(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
