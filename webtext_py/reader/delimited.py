"""CSV and its kin, a record at a time: a record that cannot be read costs that record.

The delimiter is the one of `,`, `;`, tab and `|` by which the first line has most cells. Quoted
cells may hold line ends; a quote that nothing closes costs its line alone.
"""

import csv
from collections.abc import Callable, Iterable, Iterator

from webtext_py.errors import FormatError
from webtext_py.reader.passed import Passed

_DELIMITERS = ",;\t|"
MOST_LINES = 10_000  # our choice: that a record may have
MOST_CHARACTERS = 4 << 20  # our choice: of a record on several lines
_OPEN = "unexpected end of data"  # what the reader says of a quote that nothing closed

Record = dict[str, str | None]


def delimited(
    lines: Iterable[str],
    said: str,
    passed: Passed,
    delimiters: str = _DELIMITERS,
    begin: Callable[[list[str]], None] = lambda _: None,
) -> Iterator[Record]:
    """The records below the first line, which names the columns, by these names, which `begin` is
    handed first.

    A column without a name is called by its number; cells beyond the columns, and records that
    cannot be read, are counted in `passed`; what a short record lacks is None. Raises `FormatError`
    where two columns have one name.
    """
    csv.field_size_limit(1 << 30)
    feed = iter(lines)
    first = next((line for line in feed if line.strip()), "")
    plain = first.removeprefix("\ufeff")
    while not any(_parse(plain, sign) for sign in delimiters) and len(plain) < MOST_CHARACTERS:
        more = next(feed, None)  # a name may hold line ends
        if more is None:
            break
        plain += more
    delimiter = max(delimiters, key=lambda sign: len(_parse(plain, sign) or ()))
    header = [name.strip() for name in _parse(plain, delimiter) or ()]
    names = [name or f"column {number}" for number, name in enumerate(header, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FormatError(f"`{said}` has two columns called `{twice[0]}`")
    begin(names)
    for cells in _records(feed, delimiter, passed):
        surplus = sum(1 for cell in cells[len(names) :] if cell.strip())
        passed.add("values", "cells beyond the last column", surplus)
        missing = [None] * (len(names) - len(cells))
        yield dict(zip(names, [*cells, *missing], strict=False))


def _records(feed: Iterator[str], delimiter: str, passed: Passed) -> Iterator[list[str]]:
    waiting: list[str] = []
    while True:
        line = waiting.pop() if waiting else next(feed, None)
        if line is None:
            return
        if not line.strip("\r\n"):
            continue
        cells = _parse(line, delimiter)
        if cells is not None:
            yield cells
            continue
        # A quoted cell goes on: with the next line that has a quote it may end.
        held, size = [line], len(line)
        while cells is None and len(held) < MOST_LINES and size < MOST_CHARACTERS:
            more = waiting.pop() if waiting else next(feed, None)
            if more is None:
                break
            held.append(more)
            size += len(more)
            if '"' in more:
                cells = _parse("".join(held), delimiter)
        if cells is not None:
            yield cells
            continue
        passed.add("rows", "a quote that nothing closes")
        waiting += reversed(held[1:])


def _parse(text: str, delimiter: str) -> list[str] | None:
    """The cells of a record; None where a quote is still open."""
    if '"' not in text:
        return text.rstrip("\r\n").split(delimiter)
    for strict in (True, False):
        try:
            rows = list(csv.reader([text], delimiter=delimiter, strict=strict))
        except csv.Error as error:
            if str(error) == _OPEN:
                return None
            continue
        return rows[0] if rows else []
    return None
