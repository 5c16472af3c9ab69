"""Tokenised text put back as it was written, so that its words are those of other text.

Language-model test sets are often published as tokens: the Penn Treebank's (`do n't`, `-LRB-`,
quotes as two backticks) and WikiText's (`@-@`, `@,@`, `@.@`). A word that the tokeniser cut or made
up is in no training text, and the n-grams over it are lost. The words decide; spaces before
punctuation are closed up too, for whoever reads the report.
"""

import re
from collections.abc import Iterable

# Penn Treebank tokenisation: R. MacIntyre's `tokenizer.sed`, 1995. What it cuts is joined.
_WORDS = [
    (r"\b([a-z]+) n ?(['\u2019])t\b", r"\1n\2t"),  # do n't, ca n't; didn 't stays two words
    (r"\b(gon|wan) na\b", r"\1na"),
    (r"\b(got) ta\b", r"\1ta"),
    (r"\b(gim|lem) me\b", r"\1me"),
    (r"\b(can) not\b", r"\1not"),
    (r"\b(more) ('n)\b", r"\1\2"),
    (r"(?<!\S)(['\u2019])t (is|was)\b", r"\1t\2"),
    (r" (['\u2019](?:s|m|d|ll|re|ve|t))\b", r"\1"),
]
_SIGNS = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
    r"\/": "/",
    r"\*": "*",
}
_SPACES = [
    (r" ?@([-,.])@ ?", r"\1"),  # WikiText: well @-@ known, 1 @,@ 000, 3 @.@ 5
    (r"(?<!\S)`` ?", '"'),
    (r"(?<!\S)([(\[{]) ", r"\1"),
    (r" ([)\]}])(?!\S)", r"\1"),
    (r" ([,.;:?!%])(?!\S)", r"\1"),
    (r" ?''(?!\S)", '"'),
]
_JOIN = [(re.compile(find, re.IGNORECASE), put) for find, put in _WORDS]
_CLOSE = [(re.compile(find), put) for find, put in _SPACES]
_SIGN = re.compile("(?<!\\S)(" + "|".join(map(re.escape, _SIGNS)) + ")(?!\\S)|\\\\/", re.IGNORECASE)

# What only a tokeniser writes, and what it would have cut.
_TOKEN = re.compile(r"[a-z] n['\u2019]t\b| @[-,.]@ |(?<!\S)-[LR][RSC]B-(?!\S)", re.IGNORECASE)
_WHOLE = re.compile(r"[a-z]n['\u2019]t\b", re.IGNORECASE)


def is_tokenised(texts: Iterable[str]) -> bool:
    """Whether texts look like tokens: more of what only a tokeniser writes than of contractions
    that it would have cut, and not just once."""
    tokens = whole = 0
    for text in texts:
        tokens += len(_TOKEN.findall(text))
        whole += len(_WHOLE.findall(text))
    return tokens > max(1, whole)


def join_tokens(text: str) -> str:
    """The text without the tokeniser's cuts and signs."""
    text = _SIGN.sub(lambda found: _SIGNS.get(found[0].upper(), "/"), text)
    for find, put in (*_JOIN, *_CLOSE):
        text = find.sub(put, text)
    return text
