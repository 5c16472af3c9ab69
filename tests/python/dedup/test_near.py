"""Near-duplicates against all pairs, and the laws: same result for any order, cut and engine."""

import json
import math
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.dedup import DedupConfig, run_dedup
from webtext_py.engine import LocalEngine, ThreadEngine
from webtext_py.errors import ConfigError, InputError
from webtext_py.words import normalize

Row = dict[str, Any]


def _words(draw: random.Random, count: int) -> list[str]:
    return [f"w{draw.randrange(5000)}" for _ in range(count)]


def _planted(seed: int, families: int = 25) -> list[Row]:
    """Families of texts with 0 to 12 words replaced, some of them chains, in random order."""
    draw = random.Random(seed)
    texts = []
    for family in range(families):
        base = _words(draw, draw.randint(60, 200))
        texts.append(base)
        for _ in range(draw.randint(0, 6)):
            copy = list(draw.choice(texts[-3:]) if family % 3 == 0 else base)
            for _ in range(draw.randint(0, 5)):
                copy[draw.randrange(len(copy))] = f"new{draw.randrange(10**6)}"
            texts.append(copy)
    draw.shuffle(texts)
    times = [f"2017-0{draw.randint(1, 3)}-01T00:00:00" for _ in texts]
    return [
        {
            "id": f"d{draw.randrange(10**9):09d}",
            "text": " ".join(text),
            "karma": draw.randint(1, 4),
            "created_utc": time,
        }
        for text, time in zip(texts, times, strict=True)
    ]


@lru_cache(maxsize=4096)
def _grams(text: str, n: int = 5) -> frozenset[tuple[str, ...]]:
    words = normalize(text).split()
    return frozenset(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def _jaccard(left: str, right: str) -> float:
    a, b = _grams(left), _grams(right)
    return len(a & b) / len(a | b) if a | b else 0.0


def _dedup(
    folder: Path, rows: list[Row], *, files: int = 1, workers: int = 1, **rules: Any
) -> list[Row]:
    folder.mkdir()
    size = -(-len(rows) // files)
    inputs = []
    for place in range(files):
        path = folder / f"in-{place}.parquet"
        part = rows[place * size : (place + 1) * size]
        pq.write_table(pa.Table.from_pylist(part, pa.Table.from_pylist(rows).schema), path)
        inputs.append(path)
    run_dedup(inputs, folder / "out", DedupConfig(**rules), engine=LocalEngine(workers))
    return _duplicates(folder / "out")


def _duplicates(out: Path) -> list[Row]:
    tables = [pq.read_table(path) for path in sorted((out / "duplicates").glob("*.parquet"))]
    return sorted(pa.concat_tables(tables).to_pylist(), key=lambda row: row["doc_id"])


def _near_counts(folder: Path) -> Row:
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    return dict(manifest["stages"]["dedup"]["counts"]["near"])


def _check(rows: list[Row], found: list[Row], threshold: float) -> None:
    """What `docs/dedup.md` promises, by comparing every pair."""
    text = {row["id"]: row["text"] for row in rows}
    best = {row["id"]: (-row["karma"], row["created_utc"], row["id"]) for row in rows}
    removed = {row["doc_id"]: row for row in found}
    for row in found:
        assert row["kept_doc_id"] not in removed
        similar = _jaccard(text[row["doc_id"]], text[row["via_doc_id"]])
        assert row["jaccard"] == pytest.approx(similar, abs=1e-12)
        assert similar >= threshold
        assert (row["kind"] == "exact") == (
            normalize(text[row["doc_id"]]) == normalize(text[row["via_doc_id"]])
        )
        kept = _jaccard(text[row["doc_id"]], text[row["kept_doc_id"]])
        assert row["jaccard_kept"] == pytest.approx(kept, abs=1e-12)
        steps = _steps(row, removed)
        assert kept >= 1 - steps * (1 - threshold) - 1e-9
        assert (kept >= threshold) == (steps <= 1)
    # The clusters are the connected components of all true pairs, each with its best one kept.
    for cluster in _components(text, threshold):
        first = min(cluster, key=best.__getitem__)
        assert {removed[name]["kept_doc_id"] for name in cluster if name in removed} <= {first}
        assert [name for name in cluster if name not in removed] == [first]


def _steps(row: Row, removed: dict[str, Row]) -> int:
    """Verified pairs from a removed document to its survivor, along `via`."""
    steps = int(row["kind"] == "near")  # an exact copy is no step away from what it is a copy of
    while row["via_doc_id"] != row["kept_doc_id"]:
        kept, row = row["kept_doc_id"], removed[row["via_doc_id"]]
        steps += row["kind"] == "near"
        assert row["kept_doc_id"] == kept
    return steps


def _components(text: dict[str, str], threshold: float) -> list[set[str]]:
    clusters: list[set[str]] = []
    plain = {name: normalize(words) for name, words in text.items()}
    for name in text:
        alike = {
            other
            for other in text
            if plain[name] == plain[other] or _jaccard(text[name], text[other]) >= threshold
        }
        joined = [cluster for cluster in clusters if cluster & alike]
        clusters = [cluster for cluster in clusters if not cluster & alike]
        clusters.append(alike.union(*joined))
    return clusters


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_pair_is_found_and_every_edge_is_true(tmp_path: Path, seed: int) -> None:
    rows = _planted(seed)
    found = _dedup(tmp_path / "a", rows, partitions=3)
    assert {row["kind"] for row in found} == {"exact", "near"}
    _check(rows, found, 0.8)


def test_another_threshold_and_shingle(tmp_path: Path) -> None:
    rows = _planted(5)
    found = _dedup(tmp_path / "a", rows, partitions=2, near_dup=0.6)
    _check(rows, found, 0.6)
    assert len(found) > len(_dedup(tmp_path / "b", rows, partitions=2))
    off = _dedup(tmp_path / "c", rows, partitions=2, near_dup=None)
    assert {row["kind"] for row in off} == {"exact"}


@pytest.mark.usefixtures("workers_at_once")
def test_same_result_for_any_order_cut_and_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small partitions, so that even these few documents have several.
    monkeypatch.setattr("webtext_py.stages.dedup.search.PART_BYTES", 20_000)
    rows = _planted(9)
    found = _dedup(tmp_path / "0", rows, partitions=4)
    assert len(found) > 20
    for number, (files, workers, partitions) in enumerate([(3, 2, 4), (5, 1, 1), (2, 2, 7)], 1):
        shuffled = list(rows)
        random.Random(number).shuffle(shuffled)
        out = tmp_path / str(number)
        assert found == _dedup(out, shuffled, files=files, workers=workers, partitions=partitions)
        kept = [pq.read_table(path) for path in (out / "out").glob("part-*.parquet")]
        gone = {row["doc_id"] for row in found}
        names = {name for table in kept for name in table["id"].to_pylist()}
        assert names == {row["id"] for row in rows} - gone
    (tmp_path / "p").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p" / "in.parquet")
    for engine in (LocalEngine(2), ThreadEngine(2)):
        out = tmp_path / "p" / type(engine).__name__
        run_dedup([tmp_path / "p/in.parquet"], out, DedupConfig(partitions=3), engine=engine)
        assert _duplicates(out) == found


def test_the_kept_rows_are_written_with_their_columns(tmp_path: Path) -> None:
    rows = _planted(4)
    found = _dedup(tmp_path / "a", rows, files=2, partitions=2)
    tables = [pq.read_table(p) for p in sorted((tmp_path / "a" / "out").glob("part-*.parquet"))]
    gone = {row["doc_id"] for row in found}
    assert pa.concat_tables(tables).to_pylist() == [row for row in rows if row["id"] not in gone]


def test_a_chain_is_one_cluster_and_is_counted(tmp_path: Path) -> None:
    draw = random.Random(3)
    base = _words(draw, 200)
    rows = []
    for step in range(8):
        # Each step replaces three words more: neighbours are at about 0.86, two apart 0.74.
        changed = [f"c{i}" if i < 30 * step and i % 10 == 0 else w for i, w in enumerate(base)]
        row = {"id": f"s{step}", "text": " ".join(changed), "karma": 9 - step}
        rows.append({**row, "created_utc": "2017-01-01"})
    found = _dedup(tmp_path / "a", rows, partitions=1)
    _check(rows, found, 0.8)
    assert {row["kept_doc_id"] for row in found} == {"s0"}
    way = {row["doc_id"]: row["via_doc_id"] for row in found}
    assert way == {f"s{step}": f"s{step - 1}" for step in range(1, 7 + 1)}
    counts = _near_counts(tmp_path / "a")
    assert (counts["clusters"], counts["longest_chain"], counts["below_threshold"]) == (1, 7, 6)
    assert counts["least_jaccard_kept"] == min(row["jaccard_kept"] for row in found) < 0.4


def test_times_and_karma_in_every_form(tmp_path: Path) -> None:
    draw = random.Random(9)
    text = " ".join(_words(draw, 60))
    times = pa.array([3_000_000, 1_000_001, 2_000_000], pa.timestamp("us"))
    for name, created in (
        ("us", times),
        ("ns", times.cast(pa.timestamp("ns"))),
        ("tz", times.cast(pa.timestamp("us", "UTC"))),
        ("text", ["1970-01-01T00:00:03Z", "1970-01-01T00:00:01.000001Z", "1970-01-01T00:00:02"]),
        ("seconds", [3.0, 1.000001, 2.0]),
    ):
        path = tmp_path / f"{name}.parquet"
        columns = {"id": ["a", "b", "c"], "text": [text] * 3, "created_utc": created}
        pq.write_table(pa.table(columns), path)
        run_dedup([path], tmp_path / name)
        [part] = sorted((tmp_path / name).glob("part-*.parquet"))
        assert pq.read_table(part)["id"].to_pylist() == ["b"]
    for bad in (math.nan, math.inf, 1e30):
        path = tmp_path / f"karma-{bad}.parquet"
        columns = {"id": ["a"], "text": [text], "karma": [bad], "created_utc": ["never"]}
        pq.write_table(pa.table(columns), path)
        counts = run_dedup([path], tmp_path / f"out-{bad}")
        assert counts["passed_over"] == {
            "values": {"created_utc: no time": 1, "karma: no 64-bit number": 1}
        }


def test_boilerplate_is_not_quadratic(tmp_path: Path) -> None:
    draw = random.Random(8)
    base = _words(draw, 300)
    rows = [
        {
            "id": f"p{n:04d}",
            "text": " ".join([*base[:-1], f"page{n}"]),
            "karma": 1,
            "created_utc": "2017-01-01",
        }
        for n in range(1500)
    ]
    found = _dedup(tmp_path / "a", rows, partitions=1)
    assert len(found) == len(rows) - 1
    assert {row["kept_doc_id"] for row in found} == {"p0000"}
    counts = _near_counts(tmp_path / "a")
    # One comparison a member and group: all of them are joined to the first.
    assert counts["compared"] <= 21 * len(rows)
    assert counts["unrepresented"] == 0


def test_against_an_existing_data_set(tmp_path: Path) -> None:
    draw = random.Random(6)
    old, new = _words(draw, 100), _words(draw, 100)
    known, fresh = tmp_path / "known.jsonl", tmp_path / "fresh.jsonl"
    near = [*old[:50], "other", *old[51:]]
    known.write_text(
        "".join(
            json.dumps({"id": name, "text": " ".join(text)}) + "\n"
            for name, text in {"k1": old, "k2": [*old[:-1], "end"]}.items()
        )
    )
    fresh.write_text(
        "".join(
            json.dumps({"id": name, "text": " ".join(text), "karma": 99}) + "\n"
            for name, text in {"copy": old, "near": near, "new": new, "new2": new}.items()
        )
    )
    counts = run_dedup([fresh], tmp_path / "out", against=[known], engine=LocalEngine(1))
    assert (counts["in"], counts["kept"]) == (4, 1)
    assert counts["dropped"] == {"exact_duplicate": 2, "near_duplicate": 1}
    rows = {row["doc_id"]: row for row in _duplicates(tmp_path / "out")}
    assert set(rows) == {"copy", "near", "new2"}
    assert rows["copy"]["kept_doc_id"] == "k1"
    assert rows["near"]["kept_doc_id"] == "k1"
    assert pq.read_table(tmp_path / "out" / "part-00000.parquet")["id"].to_pylist() == ["new"]


@pytest.mark.parametrize("start", [0x4E00, 0x3042, 0xAC00, 0x0627], ids=["zh", "ja", "ko", "ar"])
def test_scripts_do_not_collapse(tmp_path: Path, start: int) -> None:
    """Poems over one small stock of characters stay; a copy with one character changed goes."""
    draw = random.Random(start)
    letters = [chr(start + i) for i in range(28)]
    spaced = start in (0xAC00, 0x0627)

    def poem() -> list[str]:
        words = ["".join(draw.choices(letters, k=3)) for _ in range(80)]
        return words if spaced else list("".join(words))

    join = " ".join if spaced else "".join
    poems = [poem() for _ in range(60)]
    copies = [[*p[:40], letters[3] * 2, *p[41:]] for p in poems[:20]]
    texts = [join(p) for p in [*poems, *copies]]
    rows = [
        {"id": f"p{n:03d}", "text": text, "karma": 1, "created_utc": "2017-01-01"}
        for n, text in enumerate(texts)
    ]
    found = _dedup(tmp_path / "a", rows, partitions=2)
    assert {(r["doc_id"], r["kept_doc_id"]) for r in found} == {
        (f"p{60 + n:03d}", f"p{n:03d}") for n in range(20)
    }


def test_short_and_empty_texts_have_exact_copies_only(tmp_path: Path) -> None:
    texts = ["", "  ", "a b", "A, b!", "a b c", "a b d"]
    rows = [
        {"id": f"t{n}", "text": text, "karma": 1, "created_utc": "2017-01-01"}
        for n, text in enumerate(texts)
    ]
    found = _dedup(tmp_path / "a", rows, partitions=2)
    assert [(r["doc_id"], r["kept_doc_id"], r["kind"]) for r in found] == [
        ("t1", "t0", "exact"),
        ("t3", "t2", "exact"),
    ]


def test_wrong_input_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "x", "text": "a"}\n')
    with pytest.raises(InputError, match="as input and with"):
        run_dedup([path], tmp_path / "out2", against=[path], engine=LocalEngine(1))
    with pytest.raises(ConfigError, match=r"threshold 0\.1"):
        DedupConfig(near_dup=0.1)
