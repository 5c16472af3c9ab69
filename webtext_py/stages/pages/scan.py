"""Captures of a container to rows by partition of their key; revisits apart, to be resolved."""

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from webtext_py.columns import partition_of
from webtext_py.engine import advance
from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.pages.capture import captures_to_batch
from webtext_py.records import CAPTURES
from webtext_py.tables import Shuffle, iterate_partition, read_partition, write_table
from webtext_py.url.key import url_keys

REDIRECT = "redirect"
REVISIT = "revisit"
_ROWS = 4096

# A capture on its way through the joins. `next_key` is where a redirect or a revisit points.
ROWS = pa.schema([*CAPTURES, pa.field("next_key", pa.string())])


def scan(
    inputs: list[Path], outputs: list[Path], partitions: int, file: str, source: str
) -> dict[str, Any]:
    """Task: a container to captures by partition of `url_key` and, as so many more partitions,
    revisits by partition of the key they refer to.

    Returns `captures` by outcome, and `damage`: what could not be read, with file and offset.
    """
    outcomes: Counter[str] = Counter()
    [container] = list_containers([str(inputs[0])])
    found = scan_container(container)
    said = 0
    with Shuffle(outputs[0], ROWS) as shuffle:
        while held := list(islice(found, _ROWS)):
            found_rows = _rows(captures_to_batch(held, container.kind), file, source)
            rows = found_rows.filter(pc.is_valid(found_rows["url_key"]))
            outcomes.update(rows["outcome"].to_pylist())
            outcomes["no_url_key"] += found_rows.num_rows - rows.num_rows
            revisit = pc.equal(rows["outcome"], REVISIT)
            by = pc.if_else(revisit, rows["next_key"], rows["url_key"])
            shift = revisit.to_numpy(zero_copy_only=False)
            targets = partition_of(by, partitions) + np.where(shift, partitions, 0)
            shuffle.add(pa.Table.from_batches([rows]), targets)
            if container.kind in ("warc", "arc"):
                advance(held[-1].location.offset - said)
                said = held[-1].location.offset
    return {
        "captures": dict(sorted((+outcomes).items())),
        "damage": [[d.offset, d.bytes_lost, d.what] for d in found.damage],
        "passed_over": found.passed.document(),
    }


def _rows(batch: pa.RecordBatch, file: str, source: str) -> pa.RecordBatch:
    """Scanned captures as `ROWS`; `url_key` is null where a URL has none."""
    keys = url_keys(batch["url"])
    revisit = pc.equal(batch["outcome"], REVISIT)
    refers = pc.coalesce(url_keys(batch["refers_to_uri"]), keys)
    redirect = pc.equal(batch["outcome"], REDIRECT)
    onward = pc.if_else(redirect, url_keys(batch["redirect_to"]), pa.scalar(None, pa.string()))
    place = batch["location"]
    parts = {part: pc.struct_field(place, part) for part in ("offset", "length", "skip")}
    columns = {
        **{n: batch[n] for n in CAPTURES.names if n in batch.schema.names},
        "url_key": keys,
        "final_url": batch["url"],
        "redirects": pa.array([[]] * batch.num_rows, pa.list_(pa.string())),
        "source": pa.repeat(source, batch.num_rows),
        # The container's short name: rows do not say where a machine keeps its files.
        "location": pa.StructArray.from_arrays(
            [pa.repeat(file, batch.num_rows), *parts.values()],
            fields=list(CAPTURES.field("location").type),
        ),
        "next_key": pc.if_else(revisit, refers, onward),
    }
    fields = [field.with_nullable(True) if field.name == "url_key" else field for field in ROWS]
    return pa.record_batch([columns[n] for n in ROWS.names], schema=pa.schema(fields))


def resolve_revisits(
    inputs: list[Path], outputs: list[Path], partition: int, partitions: int
) -> dict[str, Any]:
    """Task: revisits of one partition with the payload they stand for, by partition of their own
    key.

    A revisit keeps its URL and date and takes the rest from the earliest capture of the same
    payload; one that finds none is `revisit_without_original`.
    """
    rows = read_partition(inputs, partitions + partition, ROWS)
    originals = _originals(inputs, partition, rows)
    payload = {key: number for number, key in reversed(list(enumerate(_payloads(originals))))}
    wanted = [payload.get(key, -1) for key in _payloads(rows, "next_key")]
    place = np.array(wanted, np.int64)
    found = place >= 0
    own = originals.num_rows + np.arange(rows.num_rows)
    both = pa.concat_tables([originals.select(ROWS.names), rows])
    done = both.take(pa.array(np.where(found, place, own)))
    columns = {name: done[name] for name in ROWS.names}
    columns |= {name: rows[name] for name in ("url_key", "url", "final_url", "fetched_at")}
    outcome = pc.if_else(pa.array(found), done["outcome"], "revisit_without_original")
    next_key = pc.if_else(pa.array(found), done["next_key"], pa.scalar(None, pa.string()))
    table = pa.table({**columns, "outcome": outcome, "next_key": next_key}).cast(ROWS)
    with Shuffle(outputs[0], ROWS) as shuffle:
        shuffle.add(table, partition_of(table["url_key"], partitions))
    return {"resolved": int(found.sum())}


def _originals(inputs: list[Path], partition: int, revisits: pa.Table) -> pa.Table:
    """Captures with a payload that some revisit names, earliest first for each key."""
    keys, payloads = pc.unique(revisits["next_key"]), pc.unique(revisits["payload_digest"])
    parts = [ROWS.empty_table()]
    for batch in iterate_partition(inputs, partition) if revisits.num_rows else ():
        fits = pc.and_(
            pc.is_in(batch["url_key"], keys), pc.is_in(batch["payload_digest"], payloads)
        )
        named = pc.greater(pc.binary_length(batch["payload_digest"]), 0)
        hits = batch.filter(pc.and_(fits, named))
        parts.append(pa.Table.from_batches([hits]))
    return pa.concat_tables(parts).sort_by(_ORDER)


def _payloads(rows: pa.Table, key: str = "url_key") -> list[tuple[str, str | None]]:
    return list(zip(rows[key].to_pylist(), rows["payload_digest"].to_pylist(), strict=True))


_ORDER = [
    ("url_key", "ascending"),
    ("fetched_at", "ascending"),
    ("url", "ascending"),
    ("payload_digest", "ascending"),
    ("status", "ascending"),
]


def index(inputs: list[Path], outputs: list[Path], partition: int) -> dict[str, Any]:
    """Task: all captures of one partition, in order of key and date, as `pages/index-*.parquet`."""
    rows = read_partition(inputs, partition, ROWS)
    ordered = rows
    for part in ("file", "offset", "skip"):
        ordered = ordered.append_column(f"_{part}", pc.struct_field(rows["location"], part))
    places = [(f"_{part}", "ascending") for part in ("file", "offset", "skip")]
    ordered = ordered.sort_by([*_ORDER, *places])
    write_table(ordered.select(ROWS.names).cast(ROWS), outputs[0])
    write_table(ordered.select(CAPTURES.names).cast(CAPTURES), outputs[1])
    return {"rows": rows.num_rows}
