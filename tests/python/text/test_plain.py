"""Extracted trees to plain text."""

import pytest
from lxml.etree import Element, SubElement, fromstring

from webtext_py.text.plain import plain_text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", ""),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<head>Title</head><p>one</p>", "Title\n\none"),
        ("<p>a <hi rend='#b'>bold</hi> word, a <ref target='x'>link</ref>.</p>",
         "a bold word, a link."),
        ("<p>one<lb/>two</p>", "one\ntwo"),
        ("<p>  many \n\t spaces\u00a0here </p>", "many spaces here"),
        ("loose<p>one</p>tail<p>two</p>", "loose\n\none\n\ntail\n\ntwo"),
        ("<p>before</p><list><item>one</item><item>two</item></list><p>after</p>",
         "before\n\none\ntwo\n\nafter"),
        ("<list><item>a</item></list><list><item>b</item></list>", "a\n\nb"),
        ("<list><item>a<list><item>b</item></list></item><item>c</item></list>", "a\nb\nc"),
        ("<table><row><cell>a</cell><cell>b</cell></row><row><cell>c</cell><cell/></row></table>",
         "a\tb\nc"),
        ("<table><row><cell><p>one</p><p>x</p></cell><cell>two</cell></row></table>", "one x\ttwo"),
        # A table of one cell is layout.
        ("<table><row><cell><p>one</p><p>two</p></cell></row></table>", "one\ntwo"),
        ("<quote><p>said</p><p>again</p></quote>", "said\n\nagain"),
        ("<p>see <code>x = 1</code> there</p>", "see x = 1 there"),
        ("<p>so:</p><code>if a:\n    b()\n\tc | d</code><p>end</p>",
         "so:\n\nif a:\n    b()\n\tc | d\n\nend"),
        ("<p>use <code>f</code>, then</p>", "use f, then"),
        ("<code>one<lb/>  two</code>", "one\n  two"),
        ("<p>cafe\u0301</p>", "café"),
        ("<p>a<!-- no -->b<?no no?>c<hi>d</hi></p>", "abcd"),
        ("<p>zero\u200cwidth</p>", "zero\u200cwidth"),
    ],
)  # fmt: skip
def test_plain_text(body: str, text: str) -> None:
    assert plain_text(fromstring(f"<body>{body}</body>")) == text


def test_depth_costs_nothing() -> None:
    body = Element("body")
    inner = body
    for _ in range(20_000):
        inner = SubElement(inner, "quote")
    inner.text = "deep"
    assert plain_text(body) == "deep"
