"""Wikitext to plain text: what goes and what stays, against a parser of its own; hostile pages."""

import random
import re
import time
from pathlib import Path

import mwparserfromhell
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext_py.wikipedia.articles import plain_text
from webtext_py.words import normalize


def plain(*pages: str) -> list[str]:
    """The plain texts of pages."""
    return plain_text(pa.array(pages, pa.large_string())).to_pylist()


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("{{Infobox|x={{nested|y}}|z=[[a|b]]}}Gravel{{-}}s", "Gravels"),
        ("a {{open b {{c}} d", "a open b  d"),
        ("a }} b ]] c |} d", "a  b  c |} d"),
        ("'''Gravel''' is ''loose''. O''''Neill''' '", "Gravel is loose. O'Neill '"),
        ("[[road]]s, [[rock|loose rock]], [[:Category:Rocks]], [[a|]]", None),
        ("[[File:A.jpg|thumb|A [[caption]] {{x}}]]kept[[Category:Rocks]]", "kept"),
        ("[[Файл:A.jpg]] [[Datei:B.svg|mini]] [[Ficheru:C.PNG|thumb]] kept", "   kept"),
        ("text\n[[fr:Gravier]]\n[[zh-min-nan:A]][[de:B]]", "text\n\n"),
        ("see [[wikt:gravel]] there", "see wikt:gravel there"),
        ("[[Target\nof two lines|words]]", "Target\nof two lines|words"),
        ("[http://a.example/x?y=1 Words of ''it''] [http://b.example] [c]hanging", None),
        ("<ref name='a'>No</ref>one<ref name=a /> two<REF>{{cite</REF >", "one two"),
        ("one<ref>never closed [[a|b]]", "onenever closed b"),
        ("H<sub>2</sub>O<br/>next<div class='x'>block</div>", "H2O\nnext\nblock\n"),
        ("<math>x</y></math> <nowiki>[[a]] '' &amp; <b></nowiki> 1 < 2", " [[a]] '' & <b> 1 < 2"),
        ("a<!-- [[b --> c <!-- never closed", "a c "),
        ("{| class='w'\n! h\n|-\n| [[a]] {{b}}\n|}after", "after"),
        (" :{|\n  {| \n|x\n|}\nin\n|}<table><tr><td>cell</table>out", "out"),
        ("== Uses ==\n=== A = b ===  \nx = y", "Uses \nA = b \nx = y"),
        ("* one\n** two\n: three\n; four\n#five", "one\ntwo\nthree\nfour\nfive"),
        ("__NOTOC__a__b__ __ПОНЯТИЕ__", "a__b__ "),
        ("a&nbsp;b &#65;&#x42; &amp;lt; &copy=1 AT&T &lt;b&gt;", None),
        ("\n\n\n\none\n\n\n\ntwo", "\n\none\n\ntwo"),
        ("<includeonly>never</includeonly><noinclude>kept</noinclude>", "kept"),
    ],
)
def test_what_goes_and_what_stays(wikitext: str, text: str | None) -> None:
    words = {
        "[[road]]s,": "roads, loose rock, :Category:Rocks, ",
        "[http://a.": " Words of it] ] [c]hanging",
        "a&nbsp;b &": "a\u00a0b AB &lt; &copy=1 AT&T <b>",
    }
    (found,) = plain(wikitext)
    assert found == (words[wikitext[:10]] if text is None else text)


# --- a twin: the tree of another parser ---

_GONE = ("ref", "table", "gallery", "math", "references", "timeline", "syntaxhighlight")
_HIDDEN = re.compile(r"\s*(?:file|image|category|media)\s*:", re.IGNORECASE)


def twin(wikitext: str) -> str:
    """The words by mwparserfromhell."""
    code = mwparserfromhell.parse(wikitext)
    for tag in code.filter_tags(matches=lambda node: str(node.tag).lower() in _GONE):
        if code.contains(tag):
            code.remove(tag)
    for link in code.filter_wikilinks(matches=lambda node: bool(_HIDDEN.match(str(node.title)))):
        if code.contains(link):
            code.remove(link)
    return str(code.strip_code(normalize=True, collapse=False))


WORD = st.sampled_from(
    ["gravel", "Ärger", "O'Neill", "3", "x1", "漢字", "a&nbsp;b", "&lt;", "&amp;"]
)
TEXT = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
LINE = st.recursive(
    TEXT,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
        inner.map("<small>{}</small>".format),
        st.builds("{{{{note|{}|b={}}}}}".format, TEXT, inner),
        inner.map("<ref name='n'>{}</ref>".format),
        inner.map("[[File:A.jpg|thumb|{}]]".format),
        TEXT.map("'''{}'''".format),
        TEXT.map("''{}''".format),
        TEXT.map("[[Some page|{}]]s".format),
        TEXT.map("[[Page]], {}".format),
        TEXT.map("[http://a.example/b {}]".format),
        TEXT.map("<!-- {} [[ -->".format),
        TEXT.map("<math>{}</math>".format),
        TEXT.map("<nowiki>{0} [[{0}]]</nowiki>".format),
        TEXT.map("[[Category:{}]]".format),
    ),
    max_leaves=6,
)
BLOCK = st.one_of(
    LINE,
    LINE.map("* {}".format),
    TEXT.map("== {} ==".format),
    st.builds("{{| class='w'\n! {}\n|-\n| {}\n|}}".format, TEXT, TEXT),
)


@given(st.lists(BLOCK, max_size=6))
def test_words_are_those_of_another_parser(blocks: list[str]) -> None:
    page = "\n".join(blocks)
    assert normalize(plain(page)[0]) == normalize(twin(page))


@pytest.mark.shared_data
def test_words_of_real_articles_marked_up(shared_data: Path) -> None:
    """Real paragraphs, with links, templates, references and bold put between their words."""
    draw = random.Random(3)
    text = (shared_data / "overlap/wikitext-2-raw/wiki.test.raw").read_text()
    lines = [line.strip() for line in text.split("\n") if len(line.split()) > 40][:120]
    marks = (
        "[[Page|{}]]",
        "[[{}]]",
        "'''{}'''",
        "<ref>{{{{cite|{0}}}}}</ref> {0}",
        "{{{{note|{0}}}}} {0}",
        "[http://a.example {}]",
    )
    pages = []
    for line in lines:
        words = [
            draw.choice(marks).format(word) if word.isalpha() and draw.random() < 0.2 else word
            for word in line.split()
        ]
        pages.append("{{Infobox\n| a = b\n}}\n" + " ".join(words) + "\n[[Category:All]]")
    found = plain(*pages)
    assert len(found) == len(lines) == 120
    for page, line, text in zip(pages, lines, found, strict=True):
        assert normalize(text) == normalize(twin(page)) == normalize(line)


# --- hostile pages ---

HOSTILE = {
    "open templates": "{{",
    "open links": "[[",
    "open references": "<ref>",
    "open tags": "<b",
    "open comments": "<!-",
    "open addresses": "[http://a ",
    "links and targets": "[[a|[[:b:",
    "colons": "[[x:",
    "closed nothing": "}}]]|}</ref></table>",
    "all sorts": "{{[[<ref>{|\n",
    "raw tags": "<math></b><nowiki></ref ",
    "tables": "{|\n",
    "list marks": ":",
    "headings": "= ",
    "apostrophes": "'",
    "switches": "_",
    "references": "&",
    "numbers": "&#9",
    "lines": "\n",
}


@pytest.mark.parametrize("mark", HOSTILE)
def test_time_grows_with_the_page(mark: str) -> None:
    """Two megabytes of each, open and closed, in a second; what is quadratic takes hours."""
    page = HOSTILE[mark] * ((1 << 21) // len(HOSTILE[mark]))
    before = time.process_time()
    plain(page, page + "}}" * 300_000 + "]]" * 300_000 + "|x]]" * 1000)
    assert time.process_time() - before < 1


@given(st.text(alphabet="ab{}[]|<>/!-&;#'_=:\n rf\u00e4", max_size=60))
def test_a_batch_is_its_pages(page: str) -> None:
    """Whatever they hold; nothing of one page reaches the next."""
    (alone,) = plain(page)
    assert plain("[[a", page, "}}") == ["a", alone, ""]
