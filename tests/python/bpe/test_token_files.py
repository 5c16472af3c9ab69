"""Token shards as the core writes them, read by pyarrow, Polars and DuckDB."""

import base64
from pathlib import Path

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import Tokenizer
from webtext_py.records import TOKENS_UINT16

GROUP_TOKENS = 1 << 20


@pytest.fixture(scope="module")
def narrow() -> Tokenizer:
    """Ids of bytes, and `<|endoftext|>` at 256."""
    return Tokenizer.train(["a"], vocab_size=257)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """More than 65,536 entries: 70,000 three-byte tokens behind the bytes."""
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [b"<" + number.to_bytes(3, "little") for number in range(70_000)]
    path = tmp_path_factory.mktemp("wide") / "wide.tiktoken"
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(tokens)]
    path.write_text("".join(lines))
    return Tokenizer.from_file(path, pattern="gpt2")


def write(tokenizer: Tokenizer, path: Path, batches: list[list[str]], threads: int = 1) -> pa.Table:
    """Writes batches of texts; returns what should be read back."""
    writer = tokenizer.token_writer(path)
    end = tokenizer.special["<|endoftext|>"]
    names: list[str] = []
    rows: list[pa.Array] = []
    for batch in batches:
        ids = [f"id-{'é' * (row % 3)}{row}" for row in range(len(names), len(names) + len(batch))]
        writer.append(pa.array(ids, pa.string()), pa.array(batch, pa.large_string()), end, threads)
        names += ids
        rows.append(tokenizer.encode_batch(batch, prefix=end))
    schema = TOKENS_UINT16
    if tokenizer.dtype == np.uint32:
        schema = schema.set(1, schema.field("tokens").with_type(pa.list_(pa.uint32())))
    lists = [row.cast(schema.field("tokens").type) for row in rows]
    tokens = pa.concat_arrays(lists) if lists else pa.array([], schema.field("tokens").type)
    expected = pa.table([pa.array(names, pa.string()), tokens], schema=schema)
    counted = (len(names), sum(len(row.values) for row in rows))
    assert writer.finish({"webtext.test": "é", "other": ""}) == counted
    return expected


SHAPES: dict[str, list[list[str]]] = {
    "no batch": [],
    "no row": [[]],
    "one empty text": [[""]],
    "short rows": [["a b", "", "", "cd\nef", "中文"], [], ["x" * 300, ""]],
    "many rows": [[f"{row} " * (row % 40) for row in range(n)] for n in (3000, 1, 2000)],
    "a group that ends with its row": [["a" * (GROUP_TOKENS - 1), "b"], ["c"]],
    "a group that lacks one": [["a" * (GROUP_TOKENS - 2), "b" * 5, "c"]],
    "a row of many pages": [["a b c", "d" * (5 << 20), "e", "f" * (1 << 20), "g"]],
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["narrow", "wide"])
def test_what_was_written_is_read_back(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, shape: str
) -> None:
    tokenizer: Tokenizer = request.getfixturevalue(kind)
    path = tmp_path / "tokens.parquet"
    expected = write(tokenizer, path, SHAPES[shape])
    file = pq.ParquetFile(path)
    table = file.read()
    table.validate(full=True)
    assert table.equals(expected)
    assert table.schema.equals(expected.schema)
    assert table.schema.metadata == {b"webtext.test": "é".encode(), b"other": b""}
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    assert sum(group.column(1).num_values for group in groups) == len(
        expected["tokens"].combine_chunks().values
    )
    sizes = [group.column(1).num_values for group in groups]
    assert all(size >= GROUP_TOKENS for size in sizes[:-1])
    for group in groups:
        assert group.column(1).compression == "ZSTD"
        assert "BYTE_STREAM_SPLIT" in group.column(1).encodings
    assert file.metadata.created_by.startswith("webtext version ")


@pytest.mark.parametrize("kind", ["narrow", "wide"])
def test_other_readers_open_it(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    path = tmp_path / "tokens.parquet"
    expected = write(request.getfixturevalue(kind), path, SHAPES["many rows"]).to_pydict()
    assert polars.read_parquet(path).to_dict(as_series=False) == expected
    rows = duckdb.sql(f"select doc_id, tokens from '{path}'").fetchall()
    assert rows == list(zip(*expected.values(), strict=True))


def test_batches_and_threads_change_nothing(tmp_path: Path, narrow: Tokenizer) -> None:
    texts = [f"{row} words " * (row % 700) for row in range(3000)]
    write(narrow, tmp_path / "one", [texts])
    write(narrow, tmp_path / "many", [texts[i : i + 7] for i in range(0, len(texts), 7)])
    write(narrow, tmp_path / "threads", [texts[:1000], texts[1000:]], threads=3)
    one = (tmp_path / "one").read_bytes()
    assert pq.read_metadata(tmp_path / "one").num_row_groups > 2
    assert (tmp_path / "many").read_bytes() == one
    assert (tmp_path / "threads").read_bytes() == one


def test_a_finished_writer_takes_no_more(tmp_path: Path, narrow: Tokenizer) -> None:
    writer = narrow.token_writer(tmp_path / "tokens.parquet")
    writer.finish({})
    with pytest.raises(RuntimeError, match="used up"):
        writer.finish({})
    with pytest.raises(FileNotFoundError):
        narrow.token_writer(tmp_path / "none" / "tokens.parquet")
