"""Reports against a twenty-line twin, planted overlap and the shared sets."""

import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext_py import _core, words
from webtext_py import overlap as lib
from webtext_py.columns import text_column
from webtext_py.errors import ConfigError, FormatError, InputError
from webtext_py.overlap.index import upper_bound

from .conftest import Write

LEAST_MEMORY = 4 << 20  # the core's


def grams(text: str, n: int, ascii: bool = False) -> list[str]:
    found = words.normalize(text, ascii=ascii).split()
    return [" ".join(found[i : i + n]) for i in range(len(found) - n + 1)]


def twin(
    documents: list[str], examples: list[dict[str, str]], n: int, ascii: bool
) -> dict[str, Any]:
    """Counts of a report, the slow way."""
    known = {gram for text in documents for gram in grams(text, n, ascii)}
    texts = {(name, text) for example in examples for name, text in example.items()}
    fields: dict[str, Any] = {}
    for name in ["a", "b", None]:
        all_grams = [g for f, text in texts if name in (None, f) for g in grams(text, n, ascii)]
        fields[name or "all"] = {
            "total": len(all_grams),
            "found": sum(g in known for g in all_grams),
            "distinct": len(set(all_grams)),
            "distinct_found": len(set(all_grams) & known),
        }
    shares = []
    for example in examples:
        mine = [g for text in example.values() for g in grams(text, n, ascii)]
        shares.append(sum(g in known for g in mine) / len(mine) if mine else None)
    whole = [s for s in shares if s is not None]
    counts = {
        "total": len(shares),
        "too_short": len(shares) - len(whole),
        "clean": sum(s == 0 for s in whole),
        "any": sum(s > 0 for s in whole),
        "over_15": sum(s > 0.15 for s in whole),
        "over_50": sum(s > 0.5 for s in whole),
        "all": sum(s == 1 for s in whole),
    }
    return {"fields": fields, "examples": counts}


PIECES = ["the", "The", "cat", "Hund", "é", "e\u0301", "漢", "字漢", "кот", "क्ष", "x1", "ﬁ"]


@pytest.mark.parametrize("seed", range(12))
def test_equals_the_twin_on_random_unicode_text(seed: int, tmp_path: Path, write: Write) -> None:
    random.seed(seed)
    n = random.choice([1, 2, 3, 8])

    def text(most: int) -> str:
        return "".join(
            random.choice(PIECES) + random.choice([" ", ", ", "\n", "’"])
            for _ in range(random.randrange(most))
        )

    documents = [text(60) for _ in range(8)]
    shared = text(20)
    examples = [
        {"a": random.choice([shared, text(20), documents[0][:50]]), "b": text(15)}
        for _ in range(10)
    ]
    if not any(words.normalize(t) for e in examples for t in e.values()):
        examples[0]["a"] = "the cat"
    train = write("train.jsonl", [{"text": d} for d in documents])
    test = write("set.jsonl", [{"id": i, **e} for i, e in enumerate(examples)])
    ascii = seed % 3 == 0
    config = lib.OverlapConfig(
        test=(str(test),),
        train=(str(train),),
        fields=("a", "b"),
        index=lib.IndexConfig(n=n, ascii=ascii),
    )
    [outcome] = lib.overlap(tmp_path / "data", config, threads=1 + seed % 2)
    made = outcome.document
    expected = twin(documents, examples, n, ascii)
    assert made["ngrams"] == expected["fields"]["all"] == made["bloom"]
    assert made["examples"] == expected["examples"]
    for name in ("a", "b"):
        counts = {k: v for k, v in made["fields"][name].items() if k != "examples"}
        assert counts == expected["fields"][name]
    _check_hits(outcome, documents, examples, n, ascii)


def _check_hits(
    outcome: lib.Outcome, documents: list[str], examples: list[dict[str, str]], n: int, ascii: bool
) -> None:
    """Every located run has the same words on both sides; every found n-gram lies in one."""
    rows = pq.read_table(outcome.files[2]).to_pylist()
    covered: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        mine = examples[int(row["example_id"])][row["field"]]
        piece = mine[row["test_start"] : row["test_end"]]
        number = int(row["doc_id"].split(":")[1])
        theirs = documents[number][row["doc_start"] : row["doc_end"]]
        same = words.normalize(piece, ascii=ascii)
        assert len(same.split()) == row["words"] >= n
        assert f" {same} " in f" {words.normalize(theirs, ascii=ascii)} "
        covered.setdefault((row["field"], mine), set()).update(grams(piece, n, ascii))
    known = {gram for text in documents for gram in grams(text, n, ascii)}
    for example in examples:
        for name, text in example.items():
            found = set(grams(text, n, ascii)) & known
            assert covered.get((name, text), set()) == found


def test_demo_answers_are_the_planted_ones(tmp_path: Path) -> None:
    from webtext_py import demo
    from webtext_py.cli.main import run

    data = tmp_path / "data"
    assert run(["build", "--quiet", "--data", str(data)]) == 0
    expected = json.loads(demo.expected().read_bytes())["overlap"]
    config = lib.OverlapConfig(train=(str(data / "shards" / "*.parquet"),))
    [outcome] = lib.overlap(data, config, threads=2)
    context = dict(outcome.document["fields"]["context"])
    assert context.pop("examples") == expected["examples_by_context"]
    assert context == expected["ngrams"]
    # Each planted example by itself, in both fields.
    examples = {example.id: example for example in lib.read_test_set(demo.test_set()).examples}
    for planted in expected["examples"]:
        for field, prefix in (("context", ""), ("question", "question_")):
            text = examples[planted["id"]].texts[field]
            alone = tmp_path / "alone.jsonl"
            if not words.normalize(text):
                continue
            alone.write_text(json.dumps({field: text}) + "\n")
            test = lib.read_test_set(alone)
            layout = lib.Layout([test], 8, False)
            found = lib.find_evidence(layout.core, lib.TrainingText.of(config.train))
            totals, hits = layout.by_text(found.documents > 0)
            assert int(totals.sum()) == planted[f"{prefix}total"], planted
            assert int(hits.sum()) == planted[f"{prefix}found"], planted


def test_xquad_lies_in_squad_whole(shared_data: Path, tmp_path: Path, write: Write) -> None:
    squad = json.loads((shared_data / "squad" / "dev-v1.1.json").read_bytes())
    contexts = [p["context"] for article in squad["data"] for p in article["paragraphs"]]
    records = [{"id": f"c{i}", "url": f"u{i}", "text": c} for i, c in enumerate(contexts)]
    train = write("contexts.jsonl", records)
    sets = tuple(str(shared_data / "overlap" / f"xquad.{code}.json") for code in ("en", "zh"))
    config = lib.OverlapConfig(test=sets, train=(str(train),))
    english, chinese = lib.overlap(tmp_path / "data", config, threads=2)
    counts = english.document["fields"]["context"]
    assert counts["found"] == counts["total"] == 28_761
    assert counts["examples"]["all"] == 1190
    # Every context is located as a whole, in the document that has it.
    rows = [r for r in pq.read_table(english.files[2]).to_pylist() if r["field"] == "context"]
    located = {r["example_id"] for r in rows}
    tests = lib.read_test_set(Path(sets[0]))
    texts = {e.id: e.texts["context"] for e in tests.examples}
    assert len(located) == len(set(texts.values())) == 240
    for row in rows:
        text = texts[row["example_id"]]
        source = contexts[int(row["doc_id"][1:])]
        assert (
            source[row["doc_start"] : row["doc_end"]] == text[row["test_start"] : row["test_end"]]
        )
        assert row["words"] == len(words.normalize(text).split())
    zh = chinese.document["fields"]["context"]
    assert zh["total"] > 40_000
    assert zh["found"] < 100


@pytest.mark.parametrize(
    ("name", "form", "examples", "fields"),
    [
        ("squad/dev-v1.1.json", "SQuAD", 10_570, ("context", "question")),
        ("squad/cs224n-dev-v2.0.json", "SQuAD", 6_078, ("context", "question")),
        ("overlap/xquad.zh.json", "SQuAD", 1_190, ("context", "question")),
        ("overlap/lambada_test.jsonl", "JSONL", 5_153, ("text",)),
        ("overlap/lambada_test_plain_text.txt", "LAMBADA", 5_153, ("text",)),
        ("overlap/wsc273.txt", "Winograd", 273, ("text",)),
        ("overlap/wikitext-2/test.txt", "WikiText", 60, ("text",)),
        ("overlap/wikitext-2-raw/wiki.test.raw", "WikiText", 60, ("text",)),
    ],
)
def test_shared_sets_are_recognised_and_counted(
    shared_data: Path, name: str, form: str, examples: int, fields: tuple[str, ...]
) -> None:
    test = lib.read_test_set(shared_data / name)
    assert form in test.form
    assert test.fields == fields
    assert abs(len(test.examples) - examples) <= (3 if form == "WikiText" else 0)
    layout = lib.Layout([test], 8, False)
    totals, _ = layout.by_text(np.zeros(len(layout.core), bool))
    texts = layout.sets[0].texts
    expected = [len(grams(text, 8)) for text in texts]
    assert totals.tolist() == expected
    assert len(layout.core) == len({g for text in texts for g in grams(text, 8)})


def _train(write: Write) -> Path:
    return write("train.jsonl", [{"id": "d1", "text": "one two three four five six seven eight"}])


@pytest.mark.parametrize(
    ("content", "fields", "error", "message"),
    [
        (b'{"text": "x"}\n', ("nope",), InputError, "no field `nope`; it has `text`"),
        (b"", (), InputError, "is empty"),
        (b'{"text": ""}\n', (), InputError, "is empty"),
        (b"\x00\x01\x02", (), InputError, "binary file"),
        (b'{"data": [{"paragraphs": [{}]}]}', (), FormatError, "begins like SQuAD"),
        (b'{"text": "x"}\nnot json\n', (), FormatError, "line 2 is not JSON"),
        (b'{"nothing": 5}\n', (), InputError, "no field with a usual name"),
        (b'{"text": {"a": 1}}\n', ("text",), InputError, "item 1: `text` is dict"),
        (b"\x1f\x8b\x08\x00broken", (), FormatError, "cut or damaged"),
    ],
)
def test_wrong_test_sets_are_named(
    tmp_path: Path, content: bytes, fields: tuple[str, ...], error: type[Exception], message: str
) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(error, match=message):
        lib.read_test_set(path, fields=fields)


def test_wrong_indexes_are_named(tmp_path: Path, write: Write) -> None:
    train, test = _train(write), write("set.jsonl", [{"text": "one two three"}])
    text = lib.TrainingText.of([train])
    path = tmp_path / "a.bloom"
    lib.build_index(text, path)
    other = lib.OverlapConfig(
        test=(str(test),), index=lib.IndexConfig(n=13), index_file=path, evidence=False
    )
    with pytest.raises(InputError, match="has 8-grams of Unicode words; 13-grams"):
        lib.overlap(tmp_path / "data", other)
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    with pytest.raises(FormatError, match="cut or corrupt"):
        lib.Index(path)
    changed = bytearray(whole)
    changed[16] = 99  # the normaliser's version, with a header digest to match
    import hashlib

    changed[2016:2048] = hashlib.sha256(changed[:2016]).digest()
    path.write_bytes(changed)
    with pytest.raises(FormatError, match="normaliser version 99; this webtext has 1"):
        lib.Index(path)
    path.write_bytes(b"x" * 10_000)
    with pytest.raises(FormatError, match="not an n-gram index"):
        lib.Index(path)


def test_index_is_made_again_only_when_stale(tmp_path: Path, write: Write) -> None:
    train, test = _train(write), write("set.jsonl", [{"text": "one two three"}])
    data = tmp_path / "data"
    said: list[str] = []
    config = lib.OverlapConfig(
        test=(str(test),), train=(str(train),), index_file=data / "overlap" / "mine.bloom"
    )
    lib.overlap(data, config, say=said.append)
    first = (data / "overlap" / "mine.bloom").stat().st_mtime_ns
    lib.overlap(data, config, say=said.append)
    assert (data / "overlap" / "mine.bloom").stat().st_mtime_ns == first
    train.write_text('{"text": "something else in eight or nine words of text"}\n')
    lib.overlap(data, config, say=said.append)
    assert (data / "overlap" / "mine.bloom").stat().st_mtime_ns != first
    assert any("made again" in line for line in said)


def test_capacity_too_small_is_refused(tmp_path: Path, write: Write) -> None:
    random.seed(1)
    text = " ".join(str(random.random()) for _ in range(30_000))
    train = write("train.jsonl", [{"text": text}])
    with pytest.raises(InputError, match="to hold 100 distinct") as caught:
        lib.build_index(lib.TrainingText.of([train]), tmp_path / "a", lib.IndexConfig(capacity=100))
    assert "--capacity" in str(caught.value.hint)
    assert not (tmp_path / "a").exists()


def test_memory_of_an_eighth_and_threads_change_no_byte(tmp_path: Path) -> None:
    words = np.random.default_rng(2).integers(0, 1 << 40, (500, 10_000))
    texts = pa.array([" ".join(map(str, row)) for row in words.tolist()])
    train = tmp_path / "train.parquet"
    pq.write_table(pa.table({"text": texts}), train)
    text = lib.TrainingText.of([train])
    size = lib.build_index(text, tmp_path / "a").facts["file_bytes"]
    memory = size // 8
    assert memory >= LEAST_MEMORY, "a filter so small shows nothing"
    for threads in (1, 2):
        said: list[str] = []
        made = tmp_path / f"b{threads}"
        lib.build_index(text, made, memory=memory, threads=threads, say=said.append)
        assert (tmp_path / "a").read_bytes() == made.read_bytes()
        [parts] = re.findall(r"in (\d+) parts", said[0])
        assert int(parts) >= 32
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b1", "b2", "train.parquet"]


_WORD = st.sampled_from(["a", "b", "c", "d", "é", "漢", "字", "w1", "w2", "w3"])
_TEXTS = st.lists(st.lists(_WORD, max_size=40).map(" ".join), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(parts=st.lists(_TEXTS, min_size=2, max_size=3), n=st.integers(1, 9), ascii=st.booleans())
def test_nothing_is_ever_lost(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[str]], n: int, ascii: bool
) -> None:
    """No false negative: written, opened again, merged, built in the least memory."""
    folder = tmp_path_factory.mktemp("lost")
    config = lib.IndexConfig(n=n, ascii=ascii, capacity=4000)
    files, built = [], []
    for number, texts in enumerate(parts):
        files.append(folder / f"{number}.parquet")
        pq.write_table(pa.table({"text": texts}), files[-1])
        built.append(folder / f"{number}.bloom")
        lib.build_index(lib.TrainingText.of([files[-1]]), built[-1], config)
    merged = lib.merge_indexes(built, folder / "merged.bloom")
    whole = lib.build_index(
        lib.TrainingText.of(files), folder / "whole.bloom", config, memory=LEAST_MEMORY, threads=3
    )
    assert merged.facts["digest"] == whole.facts["digest"]
    for texts, mine in zip(parts, built, strict=True):
        layout = _core.NgramTexts(*text_column(pa.array(texts, pa.large_string())), n, ascii)
        assert len(layout) == len({g for text in texts for g in grams(text, n, ascii)})
        for path in (mine, merged.path, whole.path):
            assert len(memoryview(lib.Index(path).core.query(layout))) == 8 * len(layout)


def test_parts_merge_to_the_whole(tmp_path: Path, write: Write) -> None:
    records = [{"id": i, "text": f"{i} of one two three four five six seven"} for i in range(50)]
    config = lib.IndexConfig(capacity=1000)
    parts = []
    for name, rows in (("a", records[:20]), ("b", records[20:]), ("all", records)):
        path = tmp_path / f"{name}.bloom"
        lib.build_index(lib.TrainingText.of([write(f"{name}.jsonl", rows)]), path, config)
        parts.append(path)
    merged = lib.merge_indexes(parts[:2], tmp_path / "merged.bloom")
    whole = lib.Index(parts[2])
    assert merged.facts["digest"] == whole.facts["digest"]
    assert merged.facts["ngrams"] == whole.facts["ngrams"]
    assert [s["name"] for s in merged.describe()["sources"]] != []
    again = lib.TrainingText.of([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert merged.matches(config, again)
    with pytest.raises(InputError, match="at least two"):
        lib.merge_indexes(parts[:1], tmp_path / "x")


def test_check_measures_and_stores(tmp_path: Path, write: Write) -> None:
    index = lib.build_index(lib.TrainingText.of([_train(write)]), tmp_path / "a")
    assert index.measured() is None
    found = lib.check_index(index, probes=100_000, seed=5)
    assert (found["probes"], found["false_positives"]) == (100_000, 0)
    assert found["rate_upper_95"] == pytest.approx(2.9957 / 100_000, rel=1e-4)
    assert lib.Index(tmp_path / "a").measured() == found


def test_rows_of_a_column_are_counted(tmp_path: Path, write: Write) -> None:
    index = lib.build_index(lib.TrainingText.of([_train(write)]), tmp_path / "a")
    texts = ["one two THREE four five six seven eight nine", "one two", None, "k " * 20]
    assert index.count(pa.array(texts)).tolist() == [[1, 2], [0, 0], [0, 0], [0, 13]]
    parts = pa.chunked_array([texts[:1], texts[1:]])
    assert index.count(parts).tolist() == index.count(pa.array(texts)).tolist()


def test_the_example_of_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs" / "overlap.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    words = "a b c d e f g h i j k l m n o p"
    (tmp_path / "corpus" / "a.txt").write_text(words)
    (tmp_path / "dev.json").write_text(json.dumps([{"text": words[:-4]}]))
    names: dict[str, Any] = {"Path": Path, "pa": pa}
    exec(code, names)
    assert names["answer"].hits.tolist() == [2]
    assert names["outcome"].document["ngrams"]["found"] == 7


def test_upper_bound_is_the_published_one() -> None:
    # One-sided 95 % Poisson limits for 0, 1, 5, 20 events: Garwood 1936.
    for hits, limit in ((0, 2.996), (1, 4.744), (5, 10.513), (20, 29.062)):
        assert upper_bound(hits, 1) == pytest.approx(limit, abs=5e-4)


def test_portable_index_answers_without_the_text(tmp_path: Path, write: Write) -> None:
    train = _train(write)
    path = tmp_path / "a.bloom"
    lib.build_index(lib.TrainingText.of([train]), path)
    train.unlink()
    test = write("set.jsonl", [{"text": "ONE two, three four five six seven eight nine ten"}])
    config = lib.OverlapConfig(test=(str(test),), index_file=path, evidence=False)
    [outcome] = lib.overlap(tmp_path / "data", config)
    assert outcome.document["ngrams"]["found"] == 1
    assert outcome.document["evidence"] is None
    assert outcome.document["worst"][0]["longest"] is None


def test_list_drop_and_own_train(tmp_path: Path, write: Write) -> None:
    shared = "a b c d e f g h i j"
    rows = {"doc_id": ["d0", "d1", "d2"], "text": ["x y z", f"so {shared} .", "q r s"]}
    pq.write_table(pa.table(rows), tmp_path / "train-0.parquet", row_group_size=2)
    test = write("set.jsonl", [{"id": "e1", "text": shared}, {"id": "e2", "text": "k " * 9}])
    own = write("own.jsonl", [{"text": "k k k k k k k k"}])
    config = lib.OverlapConfig(
        test=(str(test),),
        train=(str(tmp_path / "train-0.parquet"),),
        own_train=(str(own),),
        write_list=True,
        drop=tmp_path / "clean",
    )
    [outcome] = lib.overlap(tmp_path / "data", config)
    made = outcome.document
    assert made["ngrams"] == {"total": 5, "found": 3, "distinct": 4, "distinct_found": 3}
    assert made["own_train"] == {"total": 5, "found": 2, "distinct": 4, "distinct_found": 1}
    lines = (tmp_path / "data" / "overlap" / "set.contaminated.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["e1"]
    kept = pq.read_table(tmp_path / "clean" / "train-0.parquet")
    assert kept.column("doc_id").to_pylist() == ["d0", "d2"]
    ledger = json.loads((tmp_path / "clean" / "ledger.json").read_bytes())
    assert (ledger["in"], ledger["kept"], ledger["dropped"]) == (3, 2, {"overlap": 1})
    with pytest.raises(InputError, match="not empty"):
        lib.overlap(tmp_path / "data", config)
    with pytest.raises(ConfigError, match="needs the evidence pass"):
        lib.overlap(
            tmp_path / "data",
            lib.OverlapConfig(test=(str(test),), drop=tmp_path / "c2", evidence=False),
        )


def test_folder_gives_one_report_each(tmp_path: Path, write: Write) -> None:
    for folder in ("x", "y"):
        (tmp_path / "sets" / folder).mkdir(parents=True)
        write(f"sets/{folder}/dev.jsonl", [{"text": "one two three four five six seven eight"}])
    config = lib.OverlapConfig(test=(str(tmp_path / "sets"),), train=(str(_train(write)),))
    outcomes = lib.overlap(tmp_path / "data", config)
    assert len({outcome.document["test"] for outcome in outcomes}) == 2
    assert [outcome.document["ngrams"]["found"] for outcome in outcomes] == [1, 1]


def test_results_do_not_depend_on_threads_or_files(tmp_path: Path, write: Write) -> None:
    random.seed(3)
    vocabulary = [f"w{i}" for i in range(40)]
    texts = [" ".join(random.choices(vocabulary, k=300)) for _ in range(60)]
    test = write("set.jsonl", [{"text": t[: 5 + 20 * i]} for i, t in enumerate(texts[:20])])
    one = write("one.jsonl", [{"id": str(i), "text": t} for i, t in enumerate(texts)])
    two = [
        write(f"part{k}.jsonl", [{"id": str(i), "text": texts[i]} for i in part])
        for k, part in enumerate((range(25), range(25, 60)))
    ]
    made = []
    for train, threads in (((one,), 1), ((one,), 3), (tuple(two), 2)):
        config = lib.OverlapConfig(
            test=(str(test),),
            train=tuple(map(str, train)),
            index=lib.IndexConfig(n=3),
        )
        [outcome] = lib.overlap(tmp_path / f"data{len(made)}", config, threads=threads)
        table = pq.read_table(outcome.files[2]).drop_columns(["source"])
        made.append((outcome.document["ngrams"], outcome.document["examples"], table.to_pylist()))
    assert made[0] == made[1] == made[2]
