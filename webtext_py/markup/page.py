"""The frame of a page: nothing is loaded, and its policy allows its own style and script alone."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from webtext_py.markup.html import Html, join, tag


def page(title: str, *parts: object, sortable: bool = False) -> str:
    """A whole page; its tables can be sorted with a script of its own, else it has none."""
    style, script = _shipped("report.css"), _shipped("sort.js")
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; style-src {_only(style)}"
    if sortable:
        policy += f"; script-src {_only(script)}"
    head = [
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Html('<meta name="referrer" content="no-referrer">'),
        tag("title", title),
        Html(f"<style>{style}</style>"),
    ]
    code = [Html(f"<script>{script}</script>")] if sortable else []
    body = tag("body", Html("\n"), join([*parts, *code], "\n"), Html("\n"))
    return f'<!doctype html>\n<html lang="en">{tag("head", join(head, chr(10)))}\n{body}</html>\n'


@cache
def _shipped(name: str) -> str:
    return (files("webtext_py.markup") / name).read_text(encoding="utf-8")


def _only(content: str) -> str:
    """The source of a policy that allows this content and no other."""
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
