"""The one text reader: every form gives the same rows; ids are stable; wrong input is named."""

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext_py.bpe.encode_stage import encode_stage
from webtext_py.bpe.train import BpeConfig
from webtext_py.bpe.train_stage import Asked, train_vocabulary
from webtext_py.dedup import run_dedup
from webtext_py.errors import FormatError, InputError
from webtext_py.reader import Passed, list_sources, read_batches, recognise
from webtext_py.tokenizer import Tokenizer
from webtext_py.workspace import Workspace

TEXTS = ["one two", "", "drei\nvier", "五六"]


def rows(path: Path, **options: Any) -> list[dict[str, Any]]:
    found = []
    for source in list_sources([path]):
        for batch in read_batches(source, **options):
            found += batch.to_pylist()
    return found


def jsonl(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_jsonl_in_every_compression(tmp_path: Path, ending: str, pack: Any) -> None:
    path = tmp_path / f"a.jsonl{ending}"
    path.write_bytes(pack(jsonl([{"id": f"r{i}", "text": t} for i, t in enumerate(TEXTS)])))
    found = rows(path, extra=["url"])
    assert [row["text"] for row in found] == TEXTS
    assert [row["id"] for row in found] == ["r0", "r1", "r2", "r3"]
    assert [row["url"] for row in found] == [None] * 4


def test_parquet_ids_are_digest_and_row_whatever_the_batch(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"body": TEXTS * 50}), path, row_group_size=30)
    whole = rows(path, text_field="body")
    assert whole == rows(path, text_field="body", batch_bytes=8)
    assert [row["id"].split(":")[1] for row in whole] == [str(i) for i in range(200)]
    assert [row["text"] for row in whole] == TEXTS * 50
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(path.read_bytes())
    assert rows(copy, text_field="body") == whole


def test_parquet_keeps_its_own_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"doc_id": ["x", "y"], "text": ["a", None], "url": ["u", "v"]}), path)
    assert rows(path, extra=["url"]) == [
        {"id": "x", "text": "a", "url": "u"},
        {"id": "y", "text": "", "url": "v"},
    ]


def test_text_as_document_and_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"eins\nzwei\r\n\ndrei")
    assert [row["text"] for row in rows(path)] == ["eins\nzwei\r\n\ndrei"]
    assert [row["text"] for row in rows(path, sequence="line")] == ["eins", "zwei", "", "drei"]


def test_lines_of_parquet_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ["x", "y"], "text": ["a\nb", "c"]}), path)
    assert [(r["id"], r["text"]) for r in rows(path, sequence="line")] == [
        ("x:0", "a"),
        ("x:1", "b"),
        ("y:0", "c"),
    ]


def test_folders_and_globs_are_sorted_and_each_file_comes_once(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    others = ("image.png", ".hidden.txt", "README.md", "croissant.json")
    for name in ("b.txt", "deep/a.jsonl.gz", "a.md", *others):
        data = gzip.compress(b"{}\n") if name.endswith("gz") else b"x"
        (tmp_path / name).write_bytes(data)
    found = [s.path.name for s in list_sources([tmp_path, str(tmp_path / "*.txt")])]
    assert found == ["a.md", "b.txt", "a.jsonl.gz"]


def test_lone_surrogate_does_not_stop_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "a\\ud800b"}\n')
    assert rows(path)[0]["text"] == "a\ufffdb"


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("missing.jsonl", None, InputError, "does not exist"),
        ("a.bin", b"\x00\x01\x02", InputError, "binary file"),
        ("a.jsonl", b"not json\n", FormatError, "line 1 is not JSON"),
        ("a.jsonl", b'{"txt": 1, "text": 5}\n', InputError, "no text under `text`; it has txt"),
        (
            "a.jsonl",
            b'{"text": "y"}\n[{"text": "x"}]\n',
            InputError,
            "line 2 has no text under `text`",
        ),
        ("a.json", b'[{"text": "x"}]\n', InputError, "JSON array"),
        ("a.csv.gz", gzip.compress(b"id,text\n1,x\n", mtime=0), InputError, "table of cells"),
        ("a.jsonl.gz", gzip.compress(jsonl([{"text": "x" * 9}] * 9999))[:-20], FormatError, "cut"),
        ("a.parquet", b"PAR1 nothing more", FormatError, "damaged Parquet"),
        ("*.jsonl", None, InputError, "matches no file"),
    ],
)
def test_wrong_input_is_named(
    tmp_path: Path, name: str, content: bytes | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=message):
        rows(path)


def test_missing_column_names_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"body": ["x"]}), path)
    with pytest.raises(InputError, match="no column `text`; it has body") as caught:
        rows(path)
    assert "--text-field" in str(caught.value.hint)


def test_zstd_frames_and_where_they_are_cut(tmp_path: Path) -> None:
    frames = [zstandard.ZstdCompressor().compress((b"%d line\n" % n) * 3000) for n in range(3)]
    path = tmp_path / "a.txt.zst"
    path.write_bytes(b"".join(frames))
    [batch] = read_batches(recognise(path))
    assert batch["text"][0].as_py() == "".join(f"{n} line\n" * 3000 for n in range(3))
    for size in (len(path.read_bytes()) - 1, len(frames[0]) + 2, len(frames[0]) - 5):
        path.write_bytes(b"".join(frames)[:size])
        with pytest.raises(FormatError, match="damaged"):
            list(read_batches(recognise(path)))


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_bytes_that_were_changed_are_named(tmp_path: Path, ending: str) -> None:
    packed = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    }[ending](jsonl([{"text": f"line {n}"} for n in range(9000)]))
    middle = len(packed) // 2
    path = tmp_path / f"a.jsonl.{ending}"
    path.write_bytes(packed[:middle] + bytes(range(200)) + packed[middle + 200 :])
    # What comes before the damage is seen may be no text any more.
    with pytest.raises((FormatError, InputError), match=rf"a\.jsonl\.{ending}"):
        list(read_batches(recognise(path)))


def test_a_line_that_is_too_deep_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": ' + b"[" * 200_000)
    with pytest.raises(FormatError, match="line 1 is not JSON"):
        list(read_batches(recognise(path)))


def test_a_file_by_two_names_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "link.txt").symlink_to("a.txt")
    [source] = list_sources(["a.txt", tmp_path / "a.txt", "link.txt"])
    assert source.path == Path("a.txt")


@pytest.mark.parametrize("sequence", ["document", "line"])
def test_text_that_is_no_utf8_is_counted(tmp_path: Path, sequence: Any) -> None:
    """In plain text and in tables; whole texts are not."""
    (tmp_path / "a.txt").write_bytes("café\nna\ufffdve\n".encode() + b"caf\xe9\n")
    table = pa.table({"text": pa.array([b"caf\xe9", b"caf\xc3\xa9", None], pa.binary())})
    pq.write_table(table, tmp_path / "b.parquet")
    for name in ("a.txt", "b.parquet"):
        passed = Passed()
        batches = list(read_batches(recognise(tmp_path / name), sequence=sequence, passed=passed))
        assert "caf\ufffd" in "".join(t for b in batches for t in b.column("text").to_pylist())
        assert passed.document() == {"values": {"text that is no UTF-8, with U+FFFD": 1}}


def test_commands_say_what_is_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9 " * 9)
    counts = run_dedup([tmp_path / "a.txt"], tmp_path / "out")
    assert counts["passed_over"] == {"values": {"text that is no UTF-8, with U+FFFD": 1}}
    pq.write_table(
        pa.table({"text": pa.array([b"\xff a"] * 3, pa.binary())}), tmp_path / "t.parquet"
    )
    asked = Asked(BpeConfig(vocab_size=260), [tmp_path / "t.parquet"])
    counts = train_vocabulary(tmp_path, asked, out=tmp_path / "v")
    said = {"values": {"text that is no UTF-8, with U+FFFD": 3}}
    assert counts["passed_over"] == said
    Tokenizer.train(["a b"], vocab_size=257).save(tmp_path / "w")
    with Workspace(tmp_path / "data") as workspace:
        made = encode_stage(workspace, tokenizer=tmp_path / "w", inputs=[tmp_path / "t.parquet"])
    assert made.counts["passed_over"] == said
