"""Test sets: their examples, fields and gold answers, from the forms in which they are published.

SQuAD and XQuAD JSON, JSONL and JSON arrays, Parquet, Arrow (what `datasets` saves), CSV and TSV,
LAMBADA, WikiText, Winograd (the five-line blocks), plain text; each also compressed. The form is
recognised by content, then name. Text inside lists and objects counts as fields of its own, called
by their way: `context.sentences[].[]`. Fields that are not counted are named in `passed_over`.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from webtext_py import demo
from webtext_py.engine.commit import sha256_file
from webtext_py.errors import FormatError, InputError
from webtext_py.overlap.treebank import is_tokenised, join_tokens
from webtext_py.reader import (
    Passed,
    group_batches,
    naming_damage,
    open_any,
    open_parquet,
    rows_of,
)
from webtext_py.reader.delimited import delimited
from webtext_py.reader.files import ending_of, files_at, plain_name, shown
from webtext_py.reader.ids import id_text, marks
from webtext_py.reader.kinds import is_arrow, no_data_file
from webtext_py.reader.packed import ENDINGS as COMPRESSED
from webtext_py.reader.packed import refuse_utf16
from webtext_py.reader.parquet import arrow_batches

TextAs = Literal["whole", "line", "paragraph"]

MAX_BYTES = 1 << 30  # our choice: a test set is held in memory
CELLS = (".csv", ".tsv")
ENDINGS = (
    *(".json", ".jsonl", ".ndjson", ".parquet", ".arrow", *CELLS),
    *(".txt", ".text", ".raw", ".md"),
)
# What lies beside data: of `datasets`, of a Hub download, of a list of metadata.
_METADATA = frozenset(
    [
        *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"),
        *("croissant.json", "metadata.json", "readme.md", "readme.txt", "license.txt"),
    ]
)
ID_FIELDS = ("id", "_id", "qid", "example_id", "doc_id", "guid", "idx", "uid")
# Fields that hold an example's text in the sets in common use; answers are left out, since most
# are shorter than an n-gram.
TEXT_FIELDS = (
    *("context", "passage", "paragraph", "article", "document", "story", "text", "content"),
    *("premise", "hypothesis", "sentence", "sentence1", "sentence2", "ctx"),
    *("question", "query", "prompt", "goal", "input", "problem", "instruction"),
)


@dataclass(frozen=True)
class Example:
    """One item of a test set."""

    id: str
    texts: dict[str, str]  # field -> text; a field that this example lacks is absent
    answers: tuple[str, ...] | None = None  # gold answers, for SQuAD's F1; None where not known
    own_id: str | None = None  # what the set calls it, where that is not `id`


@dataclass(frozen=True)
class TestSet:
    """A test set: its examples and what was understood of its form."""

    __test__ = False  # not a test class

    name: str
    path: Path
    form: str  # for people: what was recognised
    fields: tuple[str, ...]
    examples: tuple[Example, ...]
    passed_over: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def find_test_sets(
    given: Sequence[str | Path], passed: Passed | None = None
) -> tuple[list[tuple[str, Path]], list[str]]:
    """Names and files of test sets, and lines to tell the user; what folders hold besides is added
    to `passed`.

    Without `given`, the demo's. A folder stands for each test set in it. A bare name that does not
    exist and is the demo file's means the demo's. Names are unique: file names without endings,
    with the folder's in front where two are the same.
    """
    passed = Passed() if passed is None else passed
    lines: list[str] = []
    if not given:
        path = demo.test_set()
        return [(_stem(path), path)], [f"no --test given: using the demo's own {path.name}"]
    paths: list[Path] = []
    for value in given:
        path = Path(value)
        if str(value) == demo.test_set().name and not path.exists():
            lines.append(f"no file `{value}` here: using the demo's own {value}")
            paths.append(demo.test_set())
            continue
        if not path.exists() and not any(sign in str(value) for sign in "*?["):
            raise InputError(f"test set `{shown(value)}` does not exist")
        paths += files_at(value, _unwanted, passed, f"test set ({', '.join(ENDINGS)})")
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


def _unwanted(path: Path) -> str | None:
    plain = plain_name(path)
    if plain in _METADATA:
        return f"{path.name.lower()}: about the data"
    if not plain.endswith(ENDINGS):
        return f"{ending_of(path)}: no form of a test set"
    return no_data_file(path) if plain.endswith(".arrow") else None


def _stem(path: Path) -> str:
    name = path.name
    if name.endswith(".arrow") and path.with_name("state.json").exists():
        return path.resolve().parent.name  # a saved set: its files are called data-00000-of-00001
    for ending in (*COMPRESSED, *ENDINGS):
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    return shown(name)


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
    passed = Passed()
    if table := load_table(path, passed):
        form, names, examples = _from_rows(path, table[1], table[0], fields, passed)
    else:
        text = load_text(path, passed)
        form, names, examples = _from_text(path, text, fields, text_as, passed)
    if is_tokenised(value for example in examples for value in example.texts.values()):
        form += ", tokens joined"
        examples = [
            replace(e, texts={name: join_tokens(t) for name, t in e.texts.items()})
            for e in examples
        ]
    if not any(value.strip() for example in examples for value in example.texts.values()):
        raise InputError(f"test set `{shown(path)}` is empty: no example with any text ({form})")
    examples = unique_ids(path, examples)
    return TestSet(name, path, form, names, tuple(examples), passed.document())


_Found = tuple[str, tuple[str, ...], list[Example]]


def unique_ids(path: Path, examples: list[Example]) -> list[Example]:
    """The examples by ids that differ: an id that two have becomes mark and row (`reader.ids`)."""
    ids = distinct(path, [example.id for example in examples])
    return [
        e if e.id == name else replace(e, id=name, own_id=e.own_id or e.id)
        for name, e in zip(ids, examples, strict=True)
    ]


def distinct(path: Path, ids: list[str]) -> list[str]:
    """The ids of a file's rows, with its mark and the row in place of each that two have."""
    counts = Counter(ids)
    if len(counts) == len(ids):
        return ids
    [mark] = marks([sha256_file(path)])
    return [f"{mark}:{row}" if counts[own] > 1 else own for row, own in enumerate(ids)]


def load_text(path: Path, passed: Passed) -> str:
    with naming_damage(path), open_any(path) as stream:
        data = bytes(stream.read(MAX_BYTES + 1))
    if len(data) > MAX_BYTES:
        raise InputError(f"test set `{path}` is larger than {MAX_BYTES} bytes")
    refuse_utf16(data, shown(path))
    if b"\0" in data[:65536]:
        raise InputError(
            f"`{path}` is a binary file; a test set in JSON, JSONL, Parquet, CSV, TSV or text was "
            "expected"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("utf-8-sig", "replace")
        passed.add("values", "bytes that are no UTF-8, as U+FFFD", text.count("\ufffd"))
        return text


def _from_text(
    path: Path, text: str, fields: Sequence[str], text_as: TextAs | None, passed: Passed
) -> _Found:
    name = plain_name(path)
    begins_json = re.match(r"\s*(?:\[\s*)?\{", text)
    if name.endswith(CELLS):
        rows = load_cells(text, name, shown(path), passed)
        return _from_rows(path, rows, name[-3:].upper(), fields, passed)
    if name.endswith((".json", ".jsonl", ".ndjson")) or (
        begins_json and not name.endswith((".txt", ".text", ".raw", ".md"))
    ):
        lined = name.endswith((".jsonl", ".ndjson"))
        return _from_json(path, text, fields, passed, lines=lined)
    form, documents = _plain(name, text, text_as)
    if fields and tuple(fields) != ("text",):
        raise InputError(
            f"`{path}` is plain text; it has the one field `text`, not {_list(fields)}"
        )
    return form, ("text",), [Example(str(n), {"text": d}) for n, d in enumerate(documents, 1)]


def _from_json(
    path: Path, text: str, fields: Sequence[str], passed: Passed, *, lines: bool
) -> _Found:
    try:
        document = json.loads(text)
        if lines and isinstance(document, dict) and "data" not in document:
            return _from_rows(path, [document], "JSONL", fields, passed)
    except RecursionError:
        raise FormatError(f"`{path}` is nested too deep for JSON") from None
    except ValueError:
        return _from_rows(path, json_lines(path, text), "JSONL", fields, passed)
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        data = document["data"]
        if data and all(isinstance(a, dict) and "paragraphs" in a for a in data):
            return _squad(path, data, fields)
        return _from_rows(path, _objects(path, data), "JSON", fields, passed)
    rows = document if isinstance(document, list) else [document]
    return _from_rows(path, _objects(path, rows), "JSON", fields, passed)


def _objects(path: Path, rows: list[Any]) -> list[dict[str, Any]]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise InputError(f"`{path}` item {number} is {type(row).__name__}, not an object")
    return rows


def json_lines(path: Path, text: str) -> list[dict[str, Any]]:
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
    examples: list[Example] = []
    try:
        for article in data:
            for paragraph in article["paragraphs"]:
                for question in paragraph["qas"]:
                    texts = {
                        "title": str(article.get("title", "")),
                        "context": clean_text(paragraph["context"]),
                        "question": clean_text(question["question"]),
                    }
                    gold = question.get("answers") or []
                    answers = tuple(clean_text(a["text"]) for a in gold)
                    own = clean_text(id_text(question.get("id")) or str(len(examples) + 1))
                    examples.append(Example(own, texts, answers))
    except (KeyError, TypeError, AttributeError) as error:
        place = f"at question {len(examples) + 1}"
        raise FormatError(f"`{path}` begins like SQuAD and is not {place}: {error!r}") from error
    chosen = tuple(fields) or ("context", "question")
    _need(path, chosen, ("title", "context", "question"))
    kept = [Example(e.id, {name: e.texts[name] for name in chosen}, e.answers) for e in examples]
    return "SQuAD JSON", chosen, kept


def load_cells(text: str, name: str, said: str, passed: Passed) -> list[dict[str, Any]]:
    """The rows of CSV or TSV, as the file's plain `name` says; messages call it what is `said`."""
    signs = "\t" if name.endswith(".tsv") else ",;\t|"
    return list(map(dict, delimited(io.StringIO(text, newline=""), said, passed, signs)))


def load_table(path: Path, passed: Passed) -> tuple[str, list[dict[str, Any]]] | None:
    """Form and rows of a Parquet or Arrow file; None of any other."""
    with path.open("rb") as stream:
        head = stream.read(8)
    form = "Parquet" if head.startswith(b"PAR1") else "Arrow"
    if form == "Arrow" and not is_arrow(head):
        return None
    batches = arrow_batches(path)[1] if form == "Arrow" else group_batches(open_parquet(path), path)
    rows: list[dict[str, Any]] = []
    size = 0
    for batch in batches:
        size += batch.nbytes
        if size > MAX_BYTES:
            raise InputError(f"test set `{shown(path)}` is larger than {MAX_BYTES} bytes")
        rows += rows_of(batch, passed)
    return form, rows


def _from_rows(
    path: Path, rows: list[dict[str, Any]], form: str, fields: Sequence[str], passed: Passed
) -> _Found:
    if not rows:
        raise InputError(f"test set `{shown(path)}` is empty ({form})")
    known = tuple(dict.fromkeys(str(key) for row in rows for key in row))
    has_text = {name for name in known if any(_texts(row.get(name), name) for row in rows)}
    chosen = tuple(fields) or tuple(name for name in TEXT_FIELDS if name in has_text)
    _need(path, chosen, known)
    if not chosen:
        raise InputError(
            f"`{shown(path)}` ({form}) has no field with a usual name for text; it has "
            f"{_list(known)}",
            "name the texts with `--fields`",
        )
    id_field = next((f for f in ID_FIELDS if f in known and f not in chosen), None)
    for name in known:
        if name not in (*chosen, id_field):
            what = "not counted" if name in has_text else "no text"
            passed.add("fields", f"{clean_text(name)}: {what}")
    examples = []
    for number, row in enumerate(rows, 1):
        texts: dict[str, str] = {}
        for name in chosen:
            value = row.get(name)
            found = _texts(value, name)
            texts |= found
            if not found and value is not None and value != [] and value != {}:
                kind = type(value).__name__
                if fields:
                    said = f"`{shown(path)}` item {number}: `{name}` is {kind}"
                    raise InputError(f"{said}; text was expected")
                passed.add("values", f"{name}: {kind}, not text")
        own = id_text(row.get(id_field)) if id_field else None
        if isinstance(own, str):
            own = clean_text(own)
        examples.append(Example(own or str(number), texts, _answers(row)))
    names = dict.fromkeys(name for example in examples for name in example.texts)
    return form, tuple(sorted(names, key=lambda name: _place(name, chosen))), examples


def _place(name: str, chosen: Sequence[str]) -> int:
    """The place of the field that a text came out of."""
    return next(
        i for i, field_ in enumerate(chosen) if re.match(re.escape(field_) + r"(?![^.\[])", name)
    )


def _texts(value: Any, name: str) -> dict[str, str]:
    """The texts in a value by the way to them; those of a list stand on lines of their own, under
    the list's name where it holds nothing else."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return {name: clean_text(value)}
    if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
        return {name: clean_text("\n".join(value))}
    found: dict[str, list[str]] = {}
    waiting = [(value, name)]
    while waiting:
        part, way = waiting.pop()
        if isinstance(part, str):
            found.setdefault(way, []).append(clean_text(part))
        elif isinstance(part, list):
            inner = f"{way}.[]" if way.endswith("[]") else f"{way}[]"
            waiting += [(item, inner) for item in reversed(part)]
        elif isinstance(part, dict):
            waiting += [(item, f"{way}.{key}") for key, item in reversed(part.items())]
    return {way: "\n".join(texts) for way, texts in found.items()}


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


def clean_text(text: str) -> str:
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
    filled = [line for line in lines if line.strip()]
    guessed = ""
    if text_as is None:
        blocks = lines[1 : len(lines) - 1 : 5]  # of five lines
        if "[MASK]" in lines and all(line.strip() == "[MASK]" for line in blocks):
            return "Winograd blocks, the answer in place of [MASK]", _winograd(lines)
        if any(map(_HEADING.match, lines[:2000])) and lines[0].strip() == "":
            return "WikiText, one example an article", _wikitext(lines)
        if "lambada" in name:
            return "LAMBADA lines", filled
        paragraphs = filled and any(not line.strip() for line in lines[:-1])
        text_as, guessed = "paragraph" if paragraphs else "line", ", as guessed"
    if text_as == "whole":
        return f"plain text, one example{guessed}", [text]
    if text_as == "line":
        return f"plain text, one example a line{guessed}", filled
    found = [part for part in re.split(r"\n\s*\n", "\n".join(lines)) if part.strip()]
    return f"plain text, examples separated by blank lines{guessed}", found


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
