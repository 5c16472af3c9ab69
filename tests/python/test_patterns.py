"""Every regular expression of the package takes linear time, whatever it is fed.

From each pattern's own parse the inputs that make a backtracking engine suffer are built: up to
each repetition what leads there, then 1 MB of what it repeats, or of the way there again, and an
end that fits nothing. A pattern of tomorrow is found and tried like those of today.
"""

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import webtext_py
from webtext_py.fetch import robots
from webtext_py.fetch.optout import meta_opt_out
from webtext_py.pages import kinds
from webtext_py.pages.http import is_html
from webtext_py.text import rules

SIZE = 1 << 20
# Linear ones take 0.1 s at most; a quadratic one would take minutes, an exponential one for ever.
CPU_S = 3.0
SOURCES = Path(webtext_py.__file__).parent
METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split")
parser: Any = importlib.import_module("re._parser")


def modules() -> Iterator[tuple[str, Path]]:
    for found in pkgutil.walk_packages([str(SOURCES)], "webtext_py."):
        # The trainer needs torch, and sees nothing foreign.
        if not found.ispkg and not found.name.startswith(("webtext_py.train.", "webtext_py.cli.")):
            path = SOURCES.joinpath(*found.name.split(".")[1:]).with_suffix(".py")
            if path.exists():
                yield found.name, path


def patterns_in(value: object, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple) and depth < 3:
        for item in value:
            yield from patterns_in(item, depth + 1)


def inline(tree: ast.AST) -> Iterator[tuple[str, str, int, Any]]:
    """Calls such as `re.search("...", text, re.IGNORECASE)`: place, method, flags, pattern."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in METHODS
            and isinstance(node.args[0], ast.Constant)
        ):
            flags = 0
            for part in ast.walk(ast.Module([ast.Expr(a) for a in node.args[1:]], [])):
                if isinstance(part, ast.Attribute) and part.attr in ("IGNORECASE", "I", "ASCII"):
                    flags |= getattr(re, part.attr)
            yield f"line {node.lineno}", node.func.attr, flags, node.args[0].value


def all_patterns() -> dict[str, tuple[re.Pattern[Any], list[str]]]:
    """By name: the pattern, and how its module uses it."""
    found: dict[str, tuple[re.Pattern[Any], list[str]]] = {}
    for name, path in modules():
        text = path.read_text()
        if "import re\n" not in text:
            continue
        short = name.removeprefix("webtext_py.")
        for variable, value in vars(importlib.import_module(name)).items():
            # By its own name, or by that of a loop over the list that it stands in.
            names = [variable, *re.findall(rf"for (\w+)\b[^\n]* in {variable}\b", text)]
            used = re.findall(rf"\b(?:{'|'.join(names)})\.(\w+)\(", text)
            used = [method for method in dict.fromkeys(used) if method in METHODS] or ["search"]
            for number, pattern in enumerate(patterns_in(value)):
                found[f"{short}:{variable}:{number}"] = pattern, used
        for place, method, flags, source in inline(ast.parse(text)):
            found[f"{short}:{place}"] = re.compile(source, flags), [method]
    for reason, phrases in rules._phrases().items():
        for where, patterns in phrases.items():
            for number, pattern in enumerate(patterns):
                found[f"{reason}.tsv:{where}:{number}"] = pattern, ["search"]
    return found


def one_of(items: list[tuple[Any, Any]]) -> int:
    """A character of a class."""
    negated = [item for item in items if str(item[0]) != "NEGATE"]
    allowed = {"SPACE": 32, "DIGIT": 49, "WORD": 97, "NOT_SPACE": 97, "NOT_DIGIT": 97}
    if len(negated) == len(items):
        kind, value = items[0]
        if str(kind) == "LITERAL":
            return int(value)
        if str(kind) == "RANGE":
            return int(value[0])
        return allowed[str(value).removeprefix("CATEGORY_")]
    inside = parser.SubPattern(parser.State(), [(parser.IN, negated)])
    for code in (*b"aA<&/\"' =-!.1\n", 0x7F, 0x4E00):
        if not any(matches(item, code) for item in inside.data[0][1]):
            return code
    raise AssertionError(items)


def matches(item: tuple[Any, Any], code: int) -> bool:
    kind, value = str(item[0]), item[1]
    if kind == "LITERAL":
        return bool(value == code)
    if kind == "RANGE":
        return bool(value[0] <= code <= value[1])
    name = str(value)
    hit = {"SPACE": chr(code).isspace(), "DIGIT": chr(code).isdigit(), "WORD": chr(code).isalnum()}
    word = hit[name.rpartition("_")[2]]
    return not word if "NOT" in name else word


def walk(tree: Any, before: str, groups: dict[int, str]) -> Iterator[tuple[str, str]]:
    """(what leads to a repetition, what it repeats) for each; groups fill with what they match."""
    for kind, value in tree:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            yield from walk(value[2], before, groups)
            body = text_of(value[2], groups)
            yield before, body
            for branch in branches(value[2]):
                yield before, text_of(branch, groups)
        elif name == "SUBPATTERN":
            yield from walk(value[3], before, groups)
        elif name == "ATOMIC_GROUP":
            yield from walk(value, before, groups)
        elif name == "BRANCH":
            for branch in value[1]:
                yield from walk(branch, before, groups)
        before += text_of([(kind, value)], groups)


def branches(tree: Any) -> Iterator[Any]:
    for kind, value in tree:
        if str(kind) == "BRANCH":
            yield from value[1]
        elif str(kind) == "SUBPATTERN":
            yield from branches(value[3])
        elif str(kind) == "ATOMIC_GROUP":
            yield from branches(value)


def text_of(tree: Any, groups: dict[int, str]) -> str:
    """A shortest text that the tree matches (repetitions at least once where they may)."""
    out = ""
    for kind, value in tree:
        name = str(kind)
        if name == "LITERAL":
            out += chr(value)
        elif name == "NOT_LITERAL":
            out += "a" if value != 97 else "b"
        elif name == "ANY":
            out += "a"
        elif name == "IN":
            out += chr(one_of(value))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            out += text_of(value[2], groups) * max(value[0], 1 if value[1] == 1 else value[0])
        elif name == "SUBPATTERN":
            inner = text_of(value[3], groups)
            groups[value[0]] = inner
            out += inner
        elif name == "ATOMIC_GROUP":
            out += text_of(value, groups)
        elif name == "BRANCH":
            out += text_of(value[1][0], groups)
        elif name == "GROUPREF":
            out += groups.get(value, "")
    return out


def attacks(pattern: re.Pattern[Any]) -> Iterator[str]:
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    seen = set()
    for before, body in walk(tree, "", {}):
        for start, unit in ((before, body), ("", before + body), ("", before + body + body)):
            if unit and (start, unit) not in seen:
                seen.add((start, unit))
                yield start + unit * (SIZE // len(unit))
    whole = text_of(tree, {})
    for unit in (whole, whole[:-1]):
        if unit and ("", unit) not in seen:
            yield unit * (SIZE // len(unit))


class TooSlowError(Exception):
    """Raised into a matching engine at work."""


def stop(number: int, frame: FrameType | None) -> None:
    raise TooSlowError


ALL = all_patterns()


def test_all_patterns_are_found() -> None:
    assert len(ALL) > 150
    assert {"pages.kinds:_TEXT:0", "bot_wall.tsv:title:0"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_megabyte_of_its_worst_prefix_takes_linear_time(name: str) -> None:
    pattern, used = ALL[name]
    for text in attacks(pattern):
        subject: Any = text.encode("latin-1", "replace")
        if isinstance(pattern.pattern, str):
            subject = text
        for method in used:
            for end in ("\x00", ""):
                whole = subject + (end.encode() if isinstance(subject, bytes) else end)
                arguments = (whole[:0], whole) if method.startswith("sub") else (whole,)
                old = signal.signal(signal.SIGPROF, stop)
                signal.setitimer(signal.ITIMER_PROF, CPU_S)
                try:
                    found = getattr(pattern, method)(*arguments)
                    if method == "finditer":
                        for _ in found:
                            pass
                except TooSlowError:
                    start = text[:60]
                    pytest.fail(f"{name} {method} of 1 MB that begins {start!r}", pytrace=False)
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    signal.signal(signal.SIGPROF, old)


COMMENTS = b"<!-- a -->\n" * 60 + b"<x"


def test_a_page_of_comments_costs_one_page() -> None:
    """480 bytes once held a build for good, outside the sandbox."""
    started = time.process_time()
    assert not is_html(None, [], COMMENTS)
    assert is_html(None, [], COMMENTS[:-2] + b"<html>")
    assert kinds._known(COMMENTS) == "text"
    assert kinds._known(COMMENTS[:-2] + b"<html>") == "a page"
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "page",
    [
        (b"<meta " + b"a" * 2000) * 65,
        (b'<meta a="' + b'a="' * 660) * 65,
        (b"<meta " + b"a=b " * 480) * 65,
        b"<meta " * 21_000,
        b"<!--" * 32_000,
    ],
)
def test_an_opt_out_is_looked_for_without_holding_the_event_loop(page: bytes) -> None:
    started = time.process_time()
    assert meta_opt_out(page) is None
    assert time.process_time() - started < 0.2  # was 1.7 s


def test_stars_in_robots_txt_cost_no_more_than_the_file() -> None:
    body = b"User-agent: *\n" + b"Disallow: /" + b"*a" * 5000 + b"*b\n"
    started = time.process_time()
    rules_of = robots.parse(body)
    assert rules_of.permits("http://site.test/" + "a" * 10_000)
    assert time.process_time() - started < 1
