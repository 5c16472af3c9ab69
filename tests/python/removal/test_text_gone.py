"""No text of a removed document stays below the data directory, in whatever form."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.bpe.encode_stage import encode
from webtext_py.bpe.train import BpeConfig
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.dedup import run_dedup
from webtext_py.engine import LocalEngine
from webtext_py.layout import TRAIN_SHARDS
from webtext_py.manifest import Manifest
from webtext_py.overlap.index import IndexConfig
from webtext_py.overlap.run import OverlapConfig, overlap
from webtext_py.removal import asked_for, remove
from webtext_py.tokenizer import Tokenizer
from webtext_py.verify import verify

from .planted import build, sentence, write_world


def holding(data: Path, needle: str) -> set[str]:
    """The files below `data` that hold `needle`, packed or not, as text or as tokens."""
    return {
        str(path.relative_to(data))
        for path in sorted(data.rglob("*"))
        if path.is_file() and any(needle.encode() in piece for piece in pieces(data, path))
    }


def pieces(data: Path, path: Path) -> Iterator[bytes]:
    """What a file says, as bytes: its own, decompressed, each text of a table, ids decoded."""
    raw = path.read_bytes()
    yield raw
    if raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)
    if path.suffix != ".parquet":
        return
    rows = pq.read_table(path)
    for name in rows.column_names:
        if name == "tokens":
            tokenizer = Tokenizer.from_file(data / "tokenizer")
            yield from (tokenizer.decode(ids).encode() for ids in rows[name].to_pylist())
        else:
            yield json.dumps(rows[name].to_pylist(), default=str, ensure_ascii=False).encode()


def derive(data: Path, page: str, folder: Path) -> None:
    """All that commands make of a build, from which the text of `page` is to go."""
    train_vocabulary(data, Asked(BpeConfig(vocab_size=400)))
    encode(data)
    shards = [p for p in TRAIN_SHARDS.there(data) if page in pq.read_table(p)["url"].to_string()]
    text = next(
        row["text"]
        for path in shards
        for row in pq.read_table(path).to_pylist()
        if row["url"].endswith(page)
    )
    tests = folder / "tests.jsonl"
    tests.write_text(json.dumps({"text": text[-400:]}) + "\n")
    overlap(data, OverlapConfig(test=(str(tests),), write_list=True))
    # From an index that says nothing about its text, and from shards given by name.
    named = (str(data / "shards"),)
    other = folder / "other.jsonl"
    shutil.copy(tests, other)
    overlap(data, OverlapConfig((str(other),), named, index=IndexConfig(n=5)))
    run_dedup([data / "shards"], data / "dedup")
    encode(data, out=data / "tokens-again")


def test_no_file_holds_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    build(data, write_world(tmp_path))
    page = next(
        url.rpartition("/")[2]
        for path in TRAIN_SHARDS.there(data)
        for url in pq.read_table(path)["url"].to_pylist()
        if "/alone" in url
    )
    derive(data, page, tmp_path)
    needle = sentence(page).split()[3]  # a word that no other page has
    held = holding(data, needle)
    folders = {name.partition("/")[0] for name in held}
    assert folders == {"documents", "shards", "tokens", "tokens-again", "overlap", "dedup"}
    tokens = pa.concat_tables(pq.read_table(p) for p in sorted((data / "tokens").iterdir()))
    ids = dict(zip(*(tokens[n].to_pylist() for n in ("doc_id", "tokens")), strict=True))
    url = next(
        row for p in TRAIN_SHARDS.there(data) for row in pq.read_table(p)["url"].to_pylist()
        if row.endswith(page)
    )  # fmt: skip
    file = tmp_path / "urls.txt"
    file.write_text(f"{url}\n")
    report = remove(data, asked_for(urls=file), engine=LocalEngine(1))
    assert holding(data, needle) == set()
    assert verify(data).problems == []
    assert report["vocabularies"] == ["tokenizer"]
    assert set(report["stale"]) == {
        "overlap-index/ngram8", "overlap/tests", "dedup", "tokens-again",
        *(name for name in report["stale"] if name.startswith("overlap")),
    }  # fmt: skip
    assert not list((data / "overlap").iterdir())
    # Asked again, `overlap` makes its index anew, of the text that is left.
    again = overlap(data, OverlapConfig(test=(str(tmp_path / "tests.jsonl"),)))
    assert 0 < again[0].document["ngrams"]["total"] > again[0].document["ngrams"]["found"]
    assert Manifest(data).done("overlap-index/ngram8")
    assert not {name for name in holding(data, needle) if not name.startswith("overlap/tests.")}
    # The vocabulary stays, and what it encoded: the tokens of the rest are the same, in order.
    assert Manifest(data).done("tokenizer")
    train_vocabulary(data, Asked(BpeConfig(vocab_size=400)))
    before = {path: path.stat().st_mtime_ns for path in (data / "tokens").iterdir()}
    encode(data)
    assert before == {path: path.stat().st_mtime_ns for path in (data / "tokens").iterdir()}
    tokens = pa.concat_tables(pq.read_table(p) for p in sorted((data / "tokens").iterdir()))
    after = dict(zip(*(tokens[n].to_pylist() for n in ("doc_id", "tokens")), strict=True))
    gone = set(ids) - set(after)
    assert gone == {row["doc_id"] for row in report["removed"]}
    assert list(after.items()) == [item for item in ids.items() if item[0] not in gone]
