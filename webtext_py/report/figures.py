"""The figures of a report as one JSON object: `docs/report.md` has its shape."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.layout import LEDGER_SAMPLE, LINES, REMOVED
from webtext_py.ledger import KEPT
from webtext_py.removed_list import RemovedList
from webtext_py.report.beside import costs, evaluations, overlaps
from webtext_py.report.differ import differ
from webtext_py.report.tally import MEASURES, by_kind
from webtext_py.report.texts import EXCERPT
from webtext_py.tables import read_tables
from webtext_py.workspace import Steps

APART = ("cost", "digest")  # outside the digest


@dataclass(frozen=True)
class Found:
    """What the steps of a report made."""

    made: tuple[str, ...]  # the stages whose results are shown
    totals: Path
    many: dict[str, Any]  # what `tally.merge` returned
    ends: Sequence[Mapping[str, Mapping[str, int]]]
    chosen: Path
    pairs: Path
    clusters: dict[str, Any]
    articles: dict[str, Any]
    links: Sequence[Path]
    texts: Sequence[Path]
    tokens: dict[str, Any] | None


def figures(steps: Steps, found: Found, stages: Sequence[str]) -> dict[str, Any]:
    """The object, from what the steps made; `stages` are those in which links end, in order."""
    totals = pq.read_table(found.totals)
    splits = {row["key"]: _measures(row, _OF_DOCUMENTS) for row in by_kind(totals, "split")}
    whole = {name: sum(split[name] for split in splits.values()) for name in _OF_DOCUMENTS}
    ends = _ends(found.ends)
    stages = [*stages, *sorted(ends.keys() - set(stages))]
    texts = {row["doc_id"]: row for row in read_tables(found.texts).to_pylist()}
    lines = _lines(steps)
    listed = RemovedList.read(steps.data / REMOVED.name())
    sample = [
        row for path in steps.before(LEDGER_SAMPLE) for row in pq.read_table(path).to_pylist()
    ]
    dropped = [row for row in sample if not listed.names(row["url_key"] or row["url"] or "")]
    document: dict[str, Any] = {
        **whole,
        "splits": splits,
        "lines": lines,
        "stages": _funnel(ends, stages),
        "months": _rows(totals, "month"),
        "karma": _rows(totals, "karma", number=True),
        "domains": {**found.many["domain"], "top": _rows(totals, "domain")},
        "published_list": found.many["published"],
        "subreddits": {**found.many["subreddit"], "top": _rows(totals, "subreddit")},
        "lengths": _rows(totals, "words", _OF_DOCUMENTS, number=True),
        "languages": sorted(_rows(totals, "language", _OF_DOCUMENTS), key=_by_documents),
        "fetched": _rows(totals, "fetched", _OF_DOCUMENTS),
        "published": _rows(totals, "published", _OF_DOCUMENTS),
        "duplicates": {**found.clusters, "largest": _largest(found.pairs, texts)},
        "wikipedia": {**found.articles, "ends": _wikipedia(ends)},
        "tokens": _tokens(found.tokens, whole),
        "overlap": overlaps(steps.data, steps.manifest, found.made),
        "evaluation": evaluations(steps.data, steps.manifest, found.made),
        "samples": [
            *_samples(found, ends, stages, texts, dropped, listed),
            *_dropped_lines(lines, dropped),
        ],
    }
    document["digest"] = digest(document)
    document["cost"] = costs(steps.manifest, found.made)
    return document


_OF_DOCUMENTS = ("documents", "words", "bytes")


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the figures without what depends on machine and day."""
    same = {name: value for name, value in document.items() if name not in APART}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def _measures(row: Mapping[str, Any], names: Sequence[str] = MEASURES) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _rows(
    totals: pa.Table, kind: str, names: Sequence[str] = MEASURES, *, number: bool = False
) -> list[dict[str, Any]]:
    """Sums of a kind in order of its keys; where those are numbers, in their order."""
    rows = [{"key": row["key"], **_measures(row, names)} for row in by_kind(totals, kind)]
    if number:
        rows = sorted(({**row, "key": int(row["key"])} for row in rows), key=lambda r: r["key"])
    return rows


def _by_documents(row: Mapping[str, Any]) -> tuple[int, str]:
    return -row["documents"], row["key"]


def _lines(steps: Steps) -> dict[str, Any]:
    lines: Counter[str] = Counter()
    for row in read_tables(steps.before(LINES)).to_pylist():
        lines[row["outcome"]] += row["lines"]
    return _balance(lines.total(), lines)


def _balance(taken: int, ends: Mapping[str, int]) -> dict[str, Any]:
    dropped = {reason: count for reason, count in ends.items() if reason != KEPT}
    order = sorted(dropped, key=lambda reason: (-dropped[reason], reason))
    return {
        "in": taken,
        "kept": taken - sum(dropped.values()),
        "dropped": {reason: dropped[reason] for reason in order},
    }


def _ends(parts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, Counter[str]]:
    ends: dict[str, Counter[str]] = {}
    for part in parts:
        for stage, counts in part.items():
            ends.setdefault(stage, Counter()).update(counts)
    return ends


def _funnel(ends: Mapping[str, Mapping[str, int]], stages: Sequence[str]) -> list[dict[str, Any]]:
    taken = sum(sum(counts.values()) for counts in ends.values())
    rows = []
    for stage in stages:
        row = _balance(taken, ends.get(stage, {}))
        rows.append({"stage": stage, **row})
        taken = row["kept"]
    return rows


def _wikipedia(ends: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """URLs that were dropped for being Wikipedia, in whatever stage."""
    return [
        {"stage": stage, "outcome": outcome, "urls": count}
        for stage, counts in sorted(ends.items())
        for outcome, count in sorted(counts.items())
        if outcome.startswith("wikipedia")
    ]


def _largest(pairs: Path, texts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for pair in pq.read_table(pairs).to_pylist():
        kept, removed = texts[pair["kept_doc_id"]], texts[pair["doc_id"]]
        sides = {
            name: {key: side[key] for key in ("doc_id", "url", "title", "karma", "subreddit")}
            for name, side in (("kept", kept), ("removed", removed))
        }
        facts = {key: pair[key] for key in ("documents", "near", "kind", "jaccard_kept")}
        rows.append({**facts, **sides, "difference": differ(kept["text"], removed["text"])})
    return rows


def _tokens(found: dict[str, Any] | None, whole: Mapping[str, int]) -> dict[str, Any] | None:
    if found is None or found["tokens"] is None:
        return found
    ordinary = found["tokens"] - found["rows"]  # each row begins with <|endoftext|>
    return {**found, "bytes_per_token": whole["bytes"] / ordinary if ordinary else None}


def _samples(
    found: Found,
    ends: Mapping[str, Mapping[str, int]],
    stages: Sequence[str],
    texts: Mapping[str, Mapping[str, Any]],
    dropped: Sequence[Mapping[str, Any]],
    listed: RemovedList,
) -> list[dict[str, Any]]:
    """For each end, the documents kept first, how many there are and the rows chosen of them, but
    for what was removed for good."""
    links = {row["url_key"]: row for row in (*read_tables(found.links).to_pylist(), *dropped)}
    chosen: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in pq.read_table(found.chosen).to_pylist():
        link = links.get(row["url_key"], {})
        text = texts.get(row["doc_id"], {})
        shown = _shown({**link, **text, "doc_id": row["doc_id"], "url_key": row["url_key"]})
        rows = chosen.setdefault((row["stage"], row["outcome"]), [])
        if not listed.has(row["url_key"]):
            rows.append(shown)
    order = sorted(chosen, key=lambda end: (end[1] != KEPT, stages.index(end[0]), end[1]))
    return [
        {"stage": stage, "outcome": outcome, "count": ends[stage][outcome],
         "rows": chosen[stage, outcome]}
        for stage, outcome in order
    ]  # fmt: skip


def _dropped_lines(
    lines: Mapping[str, Any], dropped: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """For each reason of lines, how many there are and those chosen of them."""
    chosen: dict[str, list[dict[str, Any]]] = {}
    for row in dropped:
        if row["url_key"] is None:
            chosen.setdefault(row["outcome"], []).append(_shown(row))
    return [
        {"stage": "lines", "outcome": reason, "count": count, "rows": chosen.get(reason, [])}
        for reason, count in lines["dropped"].items()
    ]


_SHOWN = ("url_key", "doc_id", "file", "line", "url", "karma", "subreddit", "title", "language",
          "words")  # fmt: skip


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a line, a URL or a document, and as much of its text as is shown."""
    text, posted = row.get("text"), row.get("created_utc")
    if posted is not None:  # NumPy has a day for every number that a line may hold
        posted = str(np.datetime64(posted, "s").astype("datetime64[D]"))
    return {
        **{name: row.get(name) for name in _SHOWN},
        "posted": posted,
        "text": text and text[:EXCERPT],
        "cut": text is not None and len(text) > EXCERPT,
    }
