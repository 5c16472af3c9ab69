"""Tokenised text put back as it was written, so that nothing is lost: every line has its inverse.

Language-model test sets are published as tokens (` , `, ` @-@ `, ` n't`), which no model of natural
text expects. A rule closes up what its inverse can tell apart again; where natural text stands in
the tokens already, a mark keeps the inverse out. A line that its rules do not give back stays as it
is, behind two marks. So a perplexity of the text is one of the original: same information.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MARK = "\u2060"  # word joiner: no test set has it, and a line that does stays as it is
_SHORT = re.compile(  # before a period that belongs to the word: one letter, initials, titles
    r"(?:\w|\w+(?:\.\w+)+|(?i:mr|mrs|ms|dr|st|sr|jr|no|nos|col|gen|lt|capt|sgt|maj|adm|rev|prof|vs"
    r"|inc|co|corp|bros|ltd|e\.g|i\.e|etc|jan|feb|aug|sept|oct|nov|dec|sen|rep|gov|messrs))"
)


@dataclass(frozen=True)
class Rule:
    """One way of closing up: `back` finds what `close` made and puts the tokens back."""

    close: str
    closed: str
    back: str
    opened: str
    kept: str  # what natural text becomes that stands there already
    words: bool = False  # group 1 of both is a word, and short ones are left alone

    def forward(self, text: str) -> str:
        """Tokens to text."""
        kept = re.sub(self.back, lambda found: self._put(found, self.kept), text)
        return re.sub(self.close, lambda found: self._put(found, self.closed), kept)

    def inverse(self, text: str) -> str:
        """Text to tokens."""
        return re.sub(self.back, lambda found: self._put(found, self.opened), text)

    def _put(self, found: re.Match[str], form: str) -> str:
        if self.words and _SHORT.fullmatch(found[1]):
            return found[0]
        return found.expand(form)


_END = rf"(?=[,;:.!?)\]\" \u201d{MARK}]|$)"  # what may follow a closed sign
_AT = [
    Rule(r"(?<=\S) @-@ (?=\S)", "-", rf"(?<=[^\s@{MARK}-])-(?=[^\s@{MARK}-])", " @-@ ", f"-{MARK}"),
    Rule(r"(?<=\d) @,@ (?=\d)", ",", r"(?<=\d),(?=\d)", " @,@ ", f",{MARK}"),
    Rule(r"(?<=\d) @\.@ (?=\d)", ".", r"(?<=\d)\.(?=\d)", " @.@ ", f".{MARK}"),
]
_HEADINGS = [Rule(r"= (?==)", "=", r"=(?==)", "= ", f"={MARK}")]
_POSSESSIVE = Rule(r"(?<=s) '(?= |$)", "'", r"(?<=s)'(?= |$)", " '", f"{MARK}'")


def _clitics(endings: str) -> Rule:
    found = rf"('(?:{endings}))(?= |$)"
    return Rule(rf"(?<=\w) {found}", r"\1", rf"(?<=\w){found}", r" \1", rf"{MARK}\1")


# Moses cuts `don 't`, the Penn Treebank `do n't`.
_MOSES = [_clitics("s|t|re|ve|ll|d|m"), _POSSESSIVE]
_PENN = [
    _clitics("s|re|ve|ll|d|m"),
    _POSSESSIVE,
    Rule(r"(?<=\w) n't(?= |$)", "n't", r"(?<=\w)n't(?= |$)", " n't", f"{MARK}n't"),
]
_SIGNS = [
    Rule(rf"(\S*[^\s.{MARK}]) \.{_END}", r"\1.", rf"(\S*[^\s.{MARK}])\.{_END}", r"\1 .",
          rf"\1{MARK}.", words=True),
    Rule(rf"(?<=\S) ([,;:!?)\]]){_END}", r"\1", rf"(?<=[^\s{MARK}])([,;:!?)\]]){_END}", r" \1",
          rf"{MARK}\1"),
    Rule(r"(?<![^ ])([(\[]) (?=\S)", r"\1", rf"(?<![^ ])([(\[])(?=[^\s{MARK}])", r"\1 ",
          rf"\1{MARK}"),
]  # fmt: skip
_MONEY = [Rule(r"(?<![^ ])\$ (?=\S)", "$", rf"(?<![^ ])\$(?=[^\s{MARK}])", "$ ", f"${MARK}")]
_PERCENT = [Rule(r"(?<=\d) %(?= |$)", "%", r"(?<=\d)%(?= |$)", " %", f"{MARK}%")]
_SLASH = [Rule(r"\\/", "/", rf"/(?!{MARK})", r"\\/", f"/{MARK}")]
_TICKS = [
    Rule(r"(?<![^ ])`` ", "\u201c", "\u201c(?!" + MARK + ")", "`` ", f"\u201c{MARK}"),
    Rule(r" ''(?= |$)", "\u201d", "(?<!" + MARK + ")\u201d", " ''", f"{MARK}\u201d"),
]


def _quotes(text: str) -> str:
    """Closes up straight quotes, which open and close by turns."""
    pieces = text.split('"')
    for i in range(1, len(pieces)):
        if i % 2:  # an opening one: the space behind it goes
            pieces[i] = pieces[i][1:] if pieces[i].startswith(" ") else MARK + pieces[i]
        elif pieces[i - 1].endswith(" "):
            pieces[i - 1] = pieces[i - 1][:-1]
        else:
            pieces[i - 1] += MARK
    return '"'.join(pieces)


def _unquoted(text: str) -> str:
    pieces = text.split('"')
    for i in range(1, len(pieces)):
        if i % 2:
            pieces[i] = pieces[i] if pieces[i].startswith(MARK) else " " + pieces[i]
        elif not pieces[i - 1].endswith(MARK):
            pieces[i - 1] += " "
    return '"'.join(pieces)


@dataclass(frozen=True)
class Detokeniser:
    """The rules of a published form, in the order in which they close up."""

    rules: Sequence[Rule]
    quotes: bool = False

    def line(self, tokens: str, padded: bool = False) -> str:
        """A line as it was written; `padded`: it begins and ends with a space, as all of its file.

        `inverse(line(x, p), p) == x` for every x.
        """
        text = self._closed(tokens, padded)
        clean = text is not None and not text.startswith(MARK * 2) and MARK not in tokens
        if text is not None and clean and self.inverse(text, padded) == tokens:
            return text
        return MARK * 2 + tokens

    def inverse(self, text: str, padded: bool = False) -> str:
        """The tokens of a line that `line` made."""
        if text.startswith(MARK * 2):
            return text[2:]
        for rule in reversed(self.rules):
            text = rule.inverse(text)
        if self.quotes:
            text = _unquoted(text)
        text = text.replace(MARK, "")
        if padded:
            return f" {text} " if text else " "
        return text

    def _closed(self, tokens: str, padded: bool) -> str | None:
        if padded:
            if not (tokens == " " or (tokens[:1] == tokens[-1:] == " " and len(tokens) > 2)):
                return None
            tokens = tokens[1:-1]
        if self.quotes:
            tokens = _quotes(tokens)
        for rule in self.rules:
            tokens = rule.forward(tokens)
        return tokens

    def text(self, tokens: str) -> str:
        """A whole file as it was written, line by line."""
        lines = tokens.split("\n")
        padded = is_padded(lines[:-1])
        made = [self.line(line, padded) for line in lines[:-1]]
        return "\n".join([*made, self.line(lines[-1], padded) if lines[-1] else ""])


def is_padded(lines: Sequence[str]) -> bool:
    """Whether the lines of a file begin and end with a space each, as WikiText's and PTB's do."""
    return bool(lines) and all(line[:1] == line[-1:] == " " for line in lines)


DETOKENISERS = {
    "wikitext": Detokeniser([*_MOSES, *_AT, *_HEADINGS, *_MONEY, *_SIGNS], quotes=True),
    "ptb": Detokeniser([*_PENN, *_MONEY, *_SLASH]),
    "1bw": Detokeniser([*_MOSES, *_MONEY, *_PERCENT, *_SIGNS], quotes=True),
    "lambada": Detokeniser([*_TICKS, *_PENN, *_SIGNS]),
}
