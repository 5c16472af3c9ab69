"""The published forms of test sets, recognised by content, and the protocol of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from webtext_py.errors import InputError
from webtext_py.reader import Passed

from ..items import Item
from . import choices, passages, questions, texts, writing
from .source import Source

__all__ = ["FORMS", "Form", "files_of", "form_of", "read_form"]


@dataclass(frozen=True)
class Form:
    """A published form: its reader, the protocol of its items, and what a file of it looks like."""

    protocol: str
    read: Callable[[Source], list[Item]]
    knows: Callable[[Source], bool] = lambda source: False


# In the order in which they are tried.
FORMS: Mapping[str, Form] = {
    "coqa": Form("coqa", questions.read_coqa, questions.is_coqa),
    "translation": Form("translation", writing.read_translation, writing.is_translation),
    "summary": Form("summary", writing.read_summary, writing.is_summary),
    "winograd": Form("winograd", choices.read_winograd, choices.is_winograd),
    "completion": Form("completion", questions.read_completion, questions.is_completion),
    "choices": Form("choices", choices.read_choices, choices.is_choices),
    "questions": Form("questions", questions.read_questions, questions.is_questions),
    "lambada": Form("cloze", passages.read_lambada, passages.is_lambada),
    "cbt": Form("cbt", passages.read_cbt, passages.is_cbt),
    "wikitext": Form("text", texts.read_wikitext, texts.is_wikitext),
    "hellaswag": Form("choices", choices.read_hellaswag_text, choices.is_hellaswag_text),
    "ptb": Form("text", texts.read_ptb, texts.is_ptb),
    "enwik8": Form("text", texts.read_bytes, texts.is_enwik8),
    "text8": Form("text", texts.read_bytes, texts.is_text8),
    "1bw": Form("text", texts.read_1bw),
    "text": Form("text", texts.read_plain),
}


def form_of(source: Source, asked: str | None = None) -> str:
    """The form of a file: what was asked for, else what its content says, else for plain text what
    the task is called."""
    if asked is not None:
        if asked not in FORMS:
            raise InputError(f"`{asked}` is no form; there are {', '.join(FORMS)}")
        return asked
    for name, form in FORMS.items():
        if form.knows(source):
            return name
    if source.keys:
        raise InputError(
            f"`{source.path}` is of no known form; its rows have {', '.join(sorted(source.keys))}",
            f"say with `--form {source.name}=FORM` which it is ({', '.join(FORMS)}), and with "
            "`--fields` what its fields are called",
        )
    return "1bw" if source.name.lower() == "1bw" else "text"


def files_of(path: Path) -> list[Path]:
    """A test set's files: its own, and a reference beside it."""
    beside = writing.reference_of(path)
    return [path, beside] if beside is not None and beside.is_file() else [path]


def read_form(
    path: Path, name: str, form: str | None, fields: Mapping[str, str], passed: Passed | None = None
) -> tuple[str, list[Item]]:
    """Form and items of a file; `passed` counts what in it is not understood.

    Raises `InputError` and `FormatError` for what it cannot be.
    """
    source = Source(path, name, fields, passed or Passed())
    chosen = form_of(source, form)
    items = FORMS[chosen].read(source)
    if not items:
        raise InputError(f"`{path}` has no item of the form `{chosen}`")
    return chosen, items
