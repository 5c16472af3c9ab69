"""The n-gram index of a training text: built, opened, checked, merged."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp, fsum, lgamma, log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from webtext_py import _core, defaults
from webtext_py.columns import text_column
from webtext_py.errors import ConfigError, FormatError, InputError
from webtext_py.observer import SILENT, Observer
from webtext_py.overlap.training import TrainingText

REPORT_PROBES = 1_000_000  # GPT-2 report, section 4: "1M strings"

# Probes, false positives, seed, the report's strings, those found.
CheckRecord = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class IndexConfig:
    """What an index depends on beside the text."""

    n: int = defaults.NGRAM
    ascii: bool = False
    rate: float = defaults.RATE
    capacity: int | None = None  # distinct n-grams; estimated from the text where None


class Index:
    """An n-gram index on disk, memory-mapped."""

    def __init__(self, path: Path) -> None:
        """Opens `path`. Raises `FormatError` for a file that is no index, cut, corrupt, or made
        with another version of the normaliser or the hashes."""
        self.path = path
        self.core = _core.NgramIndex(path)
        self.facts = self.core.header()
        self.metadata = _metadata(path, self.facts.pop("metadata"))

    def matches(self, config: IndexConfig, text: TrainingText) -> bool:
        """Whether the index is of this text and made so."""
        capacity = config.capacity in (None, self.facts["capacity"])
        same = all(getattr(config, name) == self.facts[name] for name in ("n", "ascii", "rate"))
        return capacity and same and self.metadata.get("key") == text.key()

    def count(self, texts: "pa.Array | pa.ChunkedArray") -> npt.NDArray[np.uint64]:
        """N-grams of each text that the filter has, and all of them: shape (texts, 2).

        Repeated n-grams count each time. What is found may be false with the index's rate; what is
        not found is certain.
        """
        counts = self.core.count_rows(*text_column(texts))
        return np.frombuffer(memoryview(counts), np.uint64).reshape(-1, 2)

    def measured(self) -> dict[str, Any] | None:
        """What the last `check` found, None where there was none."""
        record = self.core.check_record()
        return None if record is None else measured(record)

    def describe(self) -> dict[str, Any]:
        """The documented object: parameters, size, counts, rates, sources."""
        return {
            "file": self.path.name,
            **self.facts,
            "measured": self.measured(),
            "sources": self.metadata.get("sources", []),
        }


def _metadata(path: Path, text: str) -> dict[str, Any]:
    """What an index says of its text; raises `FormatError` where these are not our words."""
    try:
        found = json.loads(text or "{}")
        sources = found.get("sources", [])
        known = all(isinstance(row[key], str) for row in sources for key in ("sha256", "name"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        known = False
    if not known:
        raise FormatError(f"`{path}` is an index whose text is described in no way that is known")
    return dict(found)


def measured(record: CheckRecord) -> dict[str, Any]:
    """The documented object of a check."""
    probes, hits, seed, report_probes, report_hits = record
    return {
        "probes": probes,
        "seed": seed,
        "false_positives": hits,
        "rate": hits / probes if probes else None,
        "rate_upper_95": upper_bound(hits, probes) if probes else None,
        "report_strings": report_probes,
        "report_found": report_hits,
        "report_rate_upper_95": upper_bound(report_hits, report_probes) if report_probes else None,
    }


def upper_bound(hits: int, probes: int, confidence: float = 0.95) -> float:
    """The one-sided upper bound of a rate from `hits` in `probes`: exact, Poisson.

    The rate at which `hits` or fewer would be seen with probability 1 - `confidence`. Source:
    Garwood 1936.
    """
    low, high = float(hits), 2.0 * hits + 20.0
    for _ in range(200):
        middle = (low + high) / 2
        terms = (exp(i * log(middle) - lgamma(i + 1) - middle) for i in range(hits + 1))
        low, high = (middle, high) if fsum(terms) > 1 - confidence else (low, middle)
    return high / probes


def build_index(
    text: TrainingText,
    path: Path,
    config: IndexConfig | None = None,
    *,
    memory: int = defaults.INDEX_MEMORY,
    threads: int = 1,
    keys: Sequence[Path] | None = None,
    observer: Observer = SILENT,
    say: Callable[[str], None] = lambda line: None,
) -> Index:
    """Writes the index of `text` to `path`, which appears when it is whole.

    `memory`, in bytes, bounds the collected hashes and the part of the filter in the making; more
    is spilled beside `path`, 8 bytes an n-gram. Where other processes have read the text, `keys`
    are their files (`overlap.spread`). The bytes depend on none of `memory`, `threads`, `keys`.
    `say` hears the size before memory is taken. Raises `ConfigError` for values out of range and
    `InputError` where `config.capacity` is too small.
    """
    config = config or IndexConfig()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        builder = _core.IndexBuilder(
            config.n, config.ascii, config.rate, config.capacity, memory, threads, path.parent
        )
    except ValueError as error:
        raise ConfigError(str(error)) from error
    if keys is not None:
        for file in keys:
            builder.add_saved(file)
    else:
        observer.step_started("reading", text.size(), "bytes")
        for source, batches in text.files():
            for batch in batches:
                builder.add_rows(*text_column(batch.column("text")))
            observer.advanced(source.path.stat().st_size)
    try:
        plan = builder.plan()
    except ValueError as error:
        raise InputError(str(error), "give a larger `--capacity`, or none") from error
    say(
        f"index: about {plan['distinct']:,.0f} distinct {config.n}-grams; a filter of "
        f"{plan['bytes'] / 1e6:,.1f} MB in {plan['segments']} parts of at most "
        f"{plan['segment_bytes'] / 1e6:,.1f} MB in memory"
    )
    metadata = {"key": text.key(), "text_field": text.text_field, "sources": text.metadata()}
    observer.step_started("inserting", 1, "filter")
    try:
        builder.finish(path, json.dumps(metadata, sort_keys=True))
    except ValueError as error:
        raise InputError(str(error), "give a larger `--capacity`, or none") from error
    observer.advanced(1)
    return Index(path)


def check_index(index: Index, **options: Any) -> dict[str, Any]:
    """Verifies the file's digest, measures its false positive rate and stores the result in it.

    `options` are those of `measure_index`: `probes` fresh random keys from `seed` on, and a million
    random strings of words as in the GPT-2 report. Returns what `Index.measured` does.
    """
    record = measure_index(index, **options)
    index.core.store_check(*record)
    return measured(record)


def measure_index(
    index: Index,
    *,
    probes: int = defaults.CHECK_PROBES,
    seed: int = defaults.CHECK_SEED,
    threads: int = 1,
    observer: Observer = SILENT,
) -> CheckRecord:
    """What `check_index` measures, for `store_check` and `measured`; the file stays as it is."""
    observer.step_started("digest", 1, "file")
    index.core.verify(threads)
    observer.advanced(1)
    observer.step_started("probing", probes, "probes")
    strings = index.core.check_strings(REPORT_PROBES, seed)
    hits = index.core.check(probes, seed, threads)
    observer.advanced(probes)
    return probes, hits, seed, REPORT_PROBES, strings


def merge_indexes(parts: Sequence[Path], out: Path, *, threads: int = 1) -> Index:
    """Writes the union of indexes with equal parameters to `out`.

    Raises `InputError` where parameters differ or the union is too full for its rate.
    """
    opened = [Index(path) for path in parts]
    if len(opened) < 2:
        raise InputError(f"{len(opened)} index to merge; at least two were expected")
    metas = [index.metadata for index in opened]
    rows = {(row["sha256"], row["name"]): row for meta in metas for row in meta.get("sources", [])}
    sources = [rows[key] for key in sorted(rows)]
    fields = sorted({str(meta.get("text_field", "text")) for meta in metas})
    parts_of_key = [*fields, *sorted(row["sha256"] for row in sources)]
    key = hashlib.sha256("\n".join(parts_of_key).encode()).hexdigest()
    metadata = {"key": key, "text_field": ",".join(fields), "sources": sources}
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        _core.merge_indexes(list(parts), out, json.dumps(metadata, sort_keys=True), threads)
    except ValueError as error:
        raise InputError(str(error)) from error
    return Index(out)
