"""Test sets: their examples, fields and gold answers, from the forms in which they are published.

SQuAD and XQuAD JSON, JSONL and JSON arrays, Parquet, CSV and TSV, LAMBADA, WikiText, Winograd (the
five-line blocks), plain text; each also compressed. The form is recognised by content, then name.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py import demo
from webtext_py.errors import FormatError, InputError
from webtext_py.overlap.tokens import is_tokenised, join_tokens
from webtext_py.reader import naming_damage, open_any

TextAs = Literal["whole", "line", "paragraph"]

MAX_BYTES = 4 << 30  # our choice: a test set is held in memory
ENDINGS = (".json", ".jsonl", ".ndjson", ".parquet", ".csv", ".tsv", ".txt", ".text", ".raw", ".md")
COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
ID_FIELDS = ("id", "_id", "qid", "example_id", "doc_id", "guid", "idx", "uid")
# Fields that hold an example's text in the sets in common use; answers are left out, since most
# are shorter than an n-gram.
TEXT_FIELDS = (
    "context",
    "passage",
    "paragraph",
    "article",
    "document",
    "story",
    "text",
    "content",
    "premise",
    "hypothesis",
    "sentence",
    "sentence1",
    "sentence2",
    "ctx",
    "question",
    "query",
    "prompt",
    "goal",
    "input",
    "problem",
    "instruction",
)


@dataclass(frozen=True)
class Example:
    """One item of a test set."""

    id: str
    texts: dict[str, str]  # field -> text; a field that this example lacks is absent
    answers: tuple[str, ...] | None = None  # gold answers, for SQuAD's F1; None where not known


@dataclass(frozen=True)
class TestSet:
    """A test set: its examples and what was understood of its form."""

    __test__ = False  # not a test class

    name: str
    path: Path
    form: str  # for people: what was recognised
    fields: tuple[str, ...]
    examples: tuple[Example, ...]
    notes: tuple[str, ...] = field(default=())


def find_test_sets(given: Sequence[str | Path]) -> tuple[list[tuple[str, Path]], list[str]]:
    """Names and files of test sets, and lines to tell the user.

    Without `given`, the demo's. A folder stands for each test set in it. A bare name that does not
    exist and is the demo file's means the demo's. Names are unique: file names without endings,
    with the folder's in front where two are the same.
    """
    lines: list[str] = []
    if not given:
        path = demo.test_set()
        return [(_stem(path), path)], [f"no --test given: using the demo's own {path.name}"]
    paths: list[Path] = []
    for value in given:
        path = Path(value)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and _known(p))
            if not found:
                raise InputError(f"`{path}` has no test set in it ({', '.join(ENDINGS)})")
            paths += found
        elif path.exists():
            paths.append(path)
        elif str(value) == demo.test_set().name:
            lines.append(f"no file `{value}` here: using the demo's own {value}")
            paths.append(demo.test_set())
        else:
            raise InputError(f"test set `{path}` does not exist")
    names: dict[str, Path] = {}
    unique = list(dict.fromkeys(paths))
    for path in unique:
        name = _unique_name(path, [other for other in unique if other != path])
        while name in names:  # two endings of one name in one folder
            name += "_"
        names[name] = path
    return list(names.items()), lines


def _unique_name(path: Path, others: Sequence[Path]) -> str:
    for depth in range(len(path.resolve().parents)):
        name = _named(path, depth)
        if all(_named(other, depth) != name for other in others):
            return name
    return _stem(path)


def _named(path: Path, depth: int) -> str:
    """The file's name without its endings, after the names of `depth` folders."""
    folders = [folder.name for folder in path.resolve().parents][:depth]
    return "-".join([*reversed(folders), _stem(path)])


def _known(path: Path) -> bool:
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return name.endswith(ENDINGS) and not name.startswith((".", "_"))


def _stem(path: Path) -> str:
    name = path.name
    for ending in (*COMPRESSED, *ENDINGS):
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    return name


def read_test_set(
    path: Path,
    name: str | None = None,
    *,
    fields: Sequence[str] = (),
    text_as: TextAs | None = None,
) -> TestSet:
    """Reads a test set; `fields` chooses the texts, else those that are usual for its form.

    `text_as` says what one example of a plain text file is. Raises `InputError` for a file that
    is empty, binary, of an unknown form or without the fields; `FormatError` for a damaged one.
    """
    name = name or _stem(path)
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic == b"PAR1":
        rows, form = _parquet(path), "Parquet"
        found = _from_rows(path, rows, form, fields)
    else:
        text = _load(path)
        found = _from_text(path, text, fields, text_as)
    form, names, examples = found
    if is_tokenised(value for example in examples for value in example.texts.values()):
        form += ", tokens joined"
        examples = [
            Example(e.id, {name: join_tokens(t) for name, t in e.texts.items()}, e.answers)
            for e in examples
        ]
    if not any(value.strip() for example in examples for value in example.texts.values()):
        raise InputError(f"test set `{path}` is empty: no example with any text ({form})")
    return TestSet(name, path, form, names, tuple(_unique_ids(path, examples)))


_Found = tuple[str, tuple[str, ...], list[Example]]


def _unique_ids(path: Path, examples: list[Example]) -> list[Example]:
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise InputError(
                f"test set `{path}` has two examples with the id `{example.id}`",
                "rename the field to anything but id, and row numbers are used",
            )
        seen.add(example.id)
    return examples


def _load(path: Path) -> str:
    with naming_damage(path), open_any(path) as stream:
        data = bytes(stream.read(MAX_BYTES + 1))
    if len(data) > MAX_BYTES:
        raise InputError(f"test set `{path}` is larger than {MAX_BYTES} bytes")
    if b"\0" in data[:65536]:
        raise InputError(
            f"`{path}` is a binary file; a test set in JSON, JSONL, Parquet, CSV, TSV or text was "
            "expected"
        )
    return data.decode("utf-8-sig", "replace")


def _from_text(path: Path, text: str, fields: Sequence[str], text_as: TextAs | None) -> _Found:
    name = path.name.lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    start = text.lstrip()[:1]
    if name.endswith((".csv", ".tsv")):
        return _from_rows(path, _delimited(path, text, name), name[-3:].upper(), fields)
    if name.endswith((".json", ".jsonl", ".ndjson")) or (
        start == "{" and not name.endswith((".txt", ".text", ".raw", ".md"))
    ):
        return _from_json(path, text, fields, lines=name.endswith((".jsonl", ".ndjson")))
    form, documents = _plain(name, text, text_as)
    if fields and tuple(fields) != ("text",):
        raise InputError(
            f"`{path}` is plain text; it has the one field `text`, not {_list(fields)}"
        )
    return form, ("text",), [Example(str(n), {"text": d}) for n, d in enumerate(documents, 1)]


def _from_json(path: Path, text: str, fields: Sequence[str], *, lines: bool) -> _Found:
    try:
        document = json.loads(text)
        if lines and isinstance(document, dict) and "data" not in document:
            return _from_rows(path, [document], "JSONL", fields)
    except RecursionError:
        raise FormatError(f"`{path}` is nested too deep for JSON") from None
    except ValueError:
        return _from_rows(path, _json_lines(path, text), "JSONL", fields)
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        data = document["data"]
        if data and all(isinstance(a, dict) and "paragraphs" in a for a in data):
            return _squad(path, data, fields)
        return _from_rows(path, _objects(path, data), "JSON", fields)
    rows = document if isinstance(document, list) else [document]
    return _from_rows(path, _objects(path, rows), "JSON", fields)


def _objects(path: Path, rows: list[Any]) -> list[dict[str, Any]]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"`{path}` item {number} is {type(row).__name__}, not an object")
    return rows


def _json_lines(path: Path, text: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FormatError(f"`{path}` line {number} is not JSON: {error}") from error
        if not isinstance(row, dict):
            raise InputError(f"`{path}` line {number} is not a JSON object")
        rows.append(row)
    return rows


def _squad(path: Path, data: list[Any], fields: Sequence[str]) -> _Found:
    examples = []
    try:
        for article in data:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    texts = {
                        "title": str(article.get("title", "")),
                        "context": _clean(paragraph["context"]),
                        "question": _clean(question["question"]),
                    }
                    answers = tuple(_clean(a["text"]) for a in question.get("answers", []))
                    examples.append(Example(str(question["id"]), texts, answers))
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"`{path}` begins like SQuAD and then is not: {error!r}") from error
    chosen = tuple(fields) or ("context", "question")
    _need(path, chosen, ("title", "context", "question"))
    kept = [Example(e.id, {name: e.texts[name] for name in chosen}, e.answers) for e in examples]
    return "SQuAD JSON", chosen, kept


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise FormatError(f"`{path}` is a damaged Parquet file: {error}") from error
    return rows


def _delimited(path: Path, text: str, name: str) -> list[dict[str, Any]]:
    dialect = "excel-tab" if name.endswith(".tsv") else "excel"
    csv.field_size_limit(1 << 30)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), dialect=dialect)
        rows: list[dict[str, Any]] = [dict(row) for row in reader]
    except csv.Error as error:
        raise FormatError(f"`{path}` is not {name[-3:].upper()}: {error}") from error
    if rows and None in rows[0]:
        raise FormatError(f"`{path}` line 2 has more columns than its first line names")
    return rows


def _from_rows(path: Path, rows: list[dict[str, Any]], form: str, fields: Sequence[str]) -> _Found:
    if not rows:
        raise InputError(f"test set `{path}` is empty ({form})")
    known = tuple(dict.fromkeys(str(key) for row in rows for key in row))
    if fields:
        chosen = tuple(fields)
        _need(path, chosen, known)
    else:
        chosen = tuple(name for name in TEXT_FIELDS if name in known and _is_text(rows, name))
        if not chosen:
            raise InputError(
                f"`{path}` ({form}) has no field with a usual name for text; it has {_list(known)}",
                "name the texts with `--fields`",
            )
    id_field = next((f for f in ID_FIELDS if f in known and f not in chosen), None)
    examples = []
    for number, row in enumerate(rows, 1):
        texts = {}
        for name in chosen:
            value = _text(row.get(name))
            if value is not None:
                texts[name] = value
            elif fields and row.get(name) is not None:
                kind = type(row[name]).__name__
                raise InputError(f"`{path}` item {number}: `{name}` is {kind}; text was expected")
        own = row.get(id_field) if id_field else None
        examples.append(Example(str(number if own is None else own), texts, _answers(row)))
    return form, chosen, examples


def _is_text(rows: list[dict[str, Any]], name: str) -> bool:
    return any(_text(row.get(name)) is not None for row in rows[:100])


def _text(value: Any) -> str | None:
    """A text, or the texts of a list on lines of their own."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return _clean("\n".join(value))
    return None


def _answers(row: dict[str, Any]) -> tuple[str, ...] | None:
    """Gold answers in the shapes that SQuAD's have: {"text": [...]}, a list of texts or objects."""
    value = row.get("answers")
    if isinstance(value, dict):
        value = value.get("text")
    if isinstance(value, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in value]
        if all(isinstance(part, str) for part in texts):
            return tuple(str(part) for part in texts)
    return (value,) if isinstance(value, str) else None


def _clean(text: str) -> str:
    """Lone surrogates, which JSON can spell and UTF-8 cannot, become `?`."""
    return text.encode("utf-8", "replace").decode()


def _need(path: Path, chosen: Iterable[str], known: Sequence[str]) -> None:
    missing = [name for name in chosen if name not in known]
    if missing:
        raise InputError(f"test set `{path}` has no field {_list(missing)}; it has {_list(known)}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


_HEADING = re.compile(r"^ = (?!=)(.+?) = *$")


def _plain(name: str, text: str, text_as: TextAs | None) -> tuple[str, list[str]]:
    """What the documents of a text file are, and the documents."""
    lines = text.replace("\r\n", "\n").split("\n")
    if text_as is None:
        if "[MASK]" in lines and _blocks_of_five(lines):
            return "Winograd blocks, the answer in place of [MASK]", _winograd(lines)
        if sum(1 for line in lines[:2000] if _HEADING.match(line)) and lines[0].strip() == "":
            return "WikiText, one example an article", _wikitext(lines)
        if "lambada" in name:
            return "LAMBADA lines", [line for line in lines if line.strip()]
        paragraphs = any(not line.strip() for line in lines[:-1]) and any(map(str.strip, lines))
        text_as = "paragraph" if paragraphs else "line"
        guessed = ", as guessed"
    else:
        guessed = ""
    split: dict[str, tuple[str, Callable[[], list[str]]]] = {
        "whole": ("one example", lambda: [text]),
        "line": ("one example a line", lambda: [line for line in lines if line.strip()]),
        "paragraph": (
            "examples separated by blank lines",
            lambda: [p for p in re.split(r"\n\s*\n", "\n".join(lines)) if p.strip()],
        ),
    }
    said, documents = split[text_as]
    return f"plain text, {said}{guessed}", documents()


def _blocks_of_five(lines: list[str]) -> bool:
    return all(line.strip() == "[MASK]" for line in lines[1 : len(lines) - 1 : 5])


def _winograd(lines: list[str]) -> list[str]:
    blocks = [lines[start : start + 4] for start in range(0, len(lines) - 3, 5)]
    return [block[0].replace("[MASK]", block[3].strip()) for block in blocks]


def _wikitext(lines: list[str]) -> list[str]:
    articles: list[list[str]] = []
    for line in lines:
        if _HEADING.match(line) or not articles:
            articles.append([])
        articles[-1].append(line)
    texts = ["\n".join(lines) for lines in articles]
    return [text for text in texts if text.strip()]
