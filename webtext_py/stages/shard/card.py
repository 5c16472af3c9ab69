"""The dataset card and the Croissant metadata that lie beside the shards.

Croissant: the MLCommons vocabulary for data sets, version 1.0. The card's header tells `datasets`
which files make which split.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from webtext_py.records import SHARDS, TIMESTAMP

_SOURCES = """\
- The karma rule, the date and the removal of Wikipedia: A. Radford et al., "Language Models are
  Unsupervised Multitask Learners" (the GPT-2 report), 2019, section 2.1.
- The order of the rows is a keyed hash of `doc_id`: any prefix is a fair sample."""

_LICENCE = """\
Each text belongs to the publisher of its page; webtext grants no rights to it. Keep to the
law of your country and to the wishes that publishers state before you share the data."""


def write_card(
    inputs: list[Path],
    outputs: list[Path],
    counts: dict[str, Any],
    facts: dict[str, Any],
    files: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Task: `README.md` (first output) and `croissant.json` (second) from counts, files' facts and
    shards (inputs)."""
    outputs[0].write_text(_card(counts, facts), encoding="utf-8")
    outputs[1].write_text(_croissant(files, _last_day(inputs)) + "\n", encoding="utf-8")
    return {}


def _card(counts: dict[str, Any], facts: dict[str, Any]) -> str:
    splits = {name: split for name, split in counts["splits"].items() if split["shards"]}
    rows = sum(split["rows"] for split in splits.values())
    lines = [
        "---",
        "pretty_name: WebText, rebuilt",
        "license: other",
        "license_name: texts belong to their publishers",
        "task_categories:",
        "- text-generation",
        "size_categories:",
        f"- {_size_category(rows)}",
        "configs:",
        "- config_name: default",
        "  data_files:",
    ]
    for name in splits:
        lines += [f"  - split: {name}", f"    path: {name}-*.parquet"]
    lines += ["---", "", "# WebText, rebuilt", ""]
    lines += [
        f"Texts of {rows:,} web pages that people linked to and voted for, made by webtext.",
        "",
        "| split | shards | documents | words | bytes of text |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, s in splits.items():
        row = (name, s["shards"], s["rows"], s["words"], s["bytes"])
        lines.append("| " + " | ".join(f"{v:,}" if isinstance(v, int) else v for v in row) + " |")
    lines += ["", "## Rules", "", "| rule | value |", "| --- | --- |"]
    lines += [f"| {name} | {_plain(value)} |" for name, value in facts["rules"].items()]
    lines += ["", "## Where the rest went", "", "| stage | in | kept | dropped |"]
    lines += ["| --- | --- | --- | --- |"]
    for stage, c in {**facts["stages"], "shard": counts}.items():
        reasons = ", ".join(f"{r} {n:,}" for r, n in c["dropped"].items()) or "none"
        lines.append(f"| {stage} | {c['in']:,} | {c['kept']:,} | {reasons} |")
    lines += ["", "## Columns", "", "| column | type | meaning |", "| --- | --- | --- |"]
    lines += [f"| {f.name} | {f.type} | {f.metadata[b'meaning'].decode()} |" for f in SHARDS]
    lines += ["", "## Sources", "", _SOURCES, "", "## Licence", "", _LICENCE, ""]
    return "\n".join(lines)


def rules_on(card: str) -> dict[str, str]:
    """The rules that a card says: what `facts["rules"]` was when it was written."""
    table = card.partition("\n## Rules\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    return dict(row[2:-2].split(" | ", 1) for row in rows[2:])


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _size_category(rows: int) -> str:
    """The hub's size classes."""
    names = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
    return next((name for power, name in enumerate(names, 3) if rows < 10**power), "n>100M")


_TYPES = {
    "int64": "sc:Integer",
    "date32[day]": "sc:Date",
    str(TIMESTAMP): "sc:DateTime",
}


def _last_day(shards: list[Path]) -> str:
    """The day of the newest page, or where no page has one of the newest link: nothing in the data
    is later, and it is the same whenever the data is made."""
    for column in ("fetched_at", "created_utc"):
        days = [pc.max(pq.read_table(path, columns=[column])[column]).as_py() for path in shards]
        known = [day for day in days if day is not None]
        if known:
            return str(max(known).date())
    raise AssertionError("every document has the time of its link")


def _croissant(files: dict[str, dict[str, Any]], day: str) -> str:
    """Croissant 1.0 JSON-LD: the files, and one record set a split with the shards' columns."""
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "contentSize": f"{facts['bytes']} B",
            "encodingFormat": "application/x-parquet",
            "sha256": facts["sha256"],
        }
        for name, facts in files.items()
    ]
    splits = [s for s in ("train", "validation") if any(n.startswith(f"{s}-") for n in files)]
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": f"{split}-files",
            "name": f"{split}-files",
            "encodingFormat": "application/x-parquet",
            "includes": f"{split}-*.parquet",
        }
        for split in splits
    ]
    document = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "webtext",
        "description": "Texts of web pages that people linked to and voted for.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": "texts belong to their publishers",
        "citeAs": _CITATION,
        "datePublished": day,
        "version": "1.0.0",  # of a data set that is never changed: another build is another one
        "distribution": objects + sets,
        "recordSet": [_record_set(split) for split in splits],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _record_set(split: str) -> dict[str, Any]:
    """A split's rows: its files' columns."""
    columns = [
        {
            "@type": "cr:Field",
            "@id": f"{split}/{field.name}",
            "name": field.name,
            "description": field.metadata[b"meaning"].decode(),
            "dataType": _TYPES.get(str(field.type), "sc:Text"),
            "source": {"fileSet": {"@id": f"{split}-files"}, "extract": {"column": field.name}},
        }
        for field in SHARDS
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/doc_id"},
        "field": columns,
    }


_CITATION = (
    "@techreport{radford2019language, title={Language Models are Unsupervised Multitask Learners}, "
    "author={Radford, Alec and Wu, Jeffrey and Child, Rewon and Luan, David and Amodei, Dario and "
    "Sutskever, Ilya}, institution={OpenAI}, year={2019}}"
)

# The context of the specification, version 1.0, whole: readers compare its keys with their own.
_CROISSANT_TERMS = """citeAs column equivalentProperty extract field fileProperty fileObject fileSet
format includes isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated
replace samplingRate separator source subField transform"""

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _CROISSANT_TERMS.split()},
}
