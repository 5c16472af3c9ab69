"""Types of columns, times, ids and records of others, each by a table of what it should be."""

import io
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.errors import FormatError
from webtext_py.reader import Passed, read_batches, recognise, rows_of, to_int64, to_micros
from webtext_py.reader.columns import as_text as as_text_
from webtext_py.reader.columns import is_text
from webtext_py.reader.delimited import delimited
from webtext_py.reader.fields import Fields, columns_of
from webtext_py.reader.ids import id_text, marks

TEXT = pa.array(["a", None, "é"])
TYPES = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int8(), pa.large_string()),
    pa.binary(),
    pa.large_binary(),
    pa.binary_view(),
]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_every_type_of_text_is_read(tmp_path: Path, kind: pa.DataType) -> None:
    column = TEXT.cast(kind)
    assert is_text(kind, binary=True)
    assert as_text_(column).to_pylist() == ["a", None, "é"]
    path = tmp_path / "a.parquet"
    ids = pa.array(["x", "y", "z"]).cast(kind)
    pq.write_table(pa.table({"text": column, "id": ids, "url": column}), path)
    [batch] = read_batches(recognise(path), extra=["url"])
    assert batch["text"].to_pylist() == ["a", "", "é"]
    assert batch["id"].to_pylist() == ["x", "y", "z"]
    assert batch["url"].to_pylist() == ["a", None, "é"]


def test_columns_of_nulls_and_columns_of_others(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.nulls(2), "id": pa.nulls(2)}), path)
    [batch] = read_batches(recognise(path))
    assert batch["text"].to_pylist() == ["", ""]
    assert [name.partition(":")[2] for name in batch["id"].to_pylist()] == ["0", "1"]
    assert not is_text(pa.int64())
    assert not is_text(pa.binary())
    assert not is_text(pa.list_(pa.string()))


def test_bytes_that_are_no_utf8_become_a_character() -> None:
    broken = pa.array([b"a\xff", b"b"]).cast(pa.binary())
    assert as_text_(broken).to_pylist() == ["a\ufffd", "b"]
    buffers = pa.array([b"a\xff", b"b"], pa.binary()).buffers()
    told = pa.Array.from_buffers(pa.string(), 2, buffers)
    assert as_text_(told).to_pylist() == ["a\ufffd", "b"]
    [first, second] = rows_of(pa.record_batch([told], names=["t"]))
    assert (first, second) == ({"t": b"a\xff"}, {"t": "b"})


SECOND = 1_483_228_800  # 2017-01-01
TIMES: list[tuple[Any, int | None]] = [
    (SECOND, SECOND * 10**6),
    (SECOND * 1000, SECOND * 10**6),
    (SECOND * 10**6, SECOND * 10**6),
    (SECOND * 10**9 + 1, SECOND * 10**6),
    (SECOND + 0.5, SECOND * 10**6 + 500_000),
    (float(SECOND * 1000), SECOND * 10**6),
    (str(SECOND), SECOND * 10**6),
    (f"{SECOND}000", SECOND * 10**6),
    (f" {SECOND}.25 ", SECOND * 10**6 + 250_000),
    ("1.4832288e9", SECOND * 10**6),
    ("2017-01-01", SECOND * 10**6),
    ("2017-01-01T00:00:00Z", SECOND * 10**6),
    ("2017-01-01 01:00:00+01:00", SECOND * 10**6),
    ("2017-01-01T00:00:00.123456789", SECOND * 10**6 + 123_456),
    ("20170101000000", SECOND * 10**6),
    (20170101000000, SECOND * 10**6),
    (b"2017-01-01", SECOND * 10**6),
    (date(2017, 1, 1), SECOND * 10**6),
    (datetime(2017, 1, 1), SECOND * 10**6),
    (datetime(2017, 1, 1, tzinfo=UTC), SECOND * 10**6),
    (0, 0),
    (-86400, -86400 * 10**6),
    (-62_135_596_800, -62_135_596_800 * 10**6),
    (-62_135_596_801, None),
    (-4 * 10**21, None),
    (10**25, None),
    (1e25, None),
    (10**5000, None),
    ("1e999", None),
    (float("nan"), None),
    (float("inf"), None),
    (True, None),
    ([1], None),
    ({}, None),
    ("yesterday", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(
    ("value", "micros"),
    TIMES,
    ids=lambda value: (
        str(value)[:30] if not isinstance(value, int) or abs(value) < 10**30 else "long"
    ),
)
def test_one_reading_of_times(value: Any, micros: int | None) -> None:
    assert to_micros(value) == micros


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (pa.array([SECOND], pa.timestamp("s")), [SECOND * 10**6]),
        (pa.array([SECOND * 1000], pa.timestamp("ms", "UTC")), [SECOND * 10**6]),
        (pa.array([SECOND * 10**9 + 7], pa.timestamp("ns")), [SECOND * 10**6]),
        (pa.array([17167], pa.date32()), [SECOND * 10**6]),
        (pa.array([SECOND * 1000], pa.date64()), [SECOND * 10**6]),
        (pa.array([2**62], pa.timestamp("s")), [None]),
        (pa.array([2**62, None], pa.timestamp("us")), [None, None]),
        (pa.array([2**31 - 1], pa.date32()), [None]),
    ],
)
def test_columns_of_times_in_every_unit(column: pa.Array, found: list[int | None]) -> None:
    passed = Passed()
    rows = list(rows_of(pa.record_batch([column], names=["t"]), passed))
    assert [to_micros(row["t"]) for row in rows] == found
    lost = {"t: a time out of range": 1} if found[0] is None else {}
    assert passed.document().get("values", {}) == lost


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        ("3", 3),
        (" -3.9 ", -3),
        (3.7, 3),
        ("9223372036854775807", 2**63 - 1),
        (2**63, None),
        ("9223372036854775808", None),
        ("1e999999999", None),
        ("9" * 5000, None),
        (True, None),
        ([3], None),
        (float("nan"), None),
        ("x", None),
        (None, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_whole_numbers(value: Any, number: int | None) -> None:
    assert to_int64(value) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        ("", None),
        (None, None),
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (float("nan"), None),
        (True, "true"),
        (b"ab", "ab"),
        (b"\xff", "ff"),
        ({"b": 1, "a": [2]}, '{"a": [2], "b": 1}'),
        ("\ud800", "\ufffd"),
        (10**30, "1" + "0" * 30),
    ],
)
def test_ids_of_every_kind(value: Any, text: str | None) -> None:
    assert id_text(value) == text


def test_ids_agree_between_jsonl_and_parquet(tmp_path: Path) -> None:
    rows = [{"text": "a", "id": 1, "doc_id": None}, {"text": "b", "id": None, "doc_id": "x"}]
    rows.append({"text": "c", "id": None, "doc_id": ""})
    jsonl, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), table)
    for path in (jsonl, table):
        [batch] = read_batches(recognise(path), mark="m")
        assert batch["id"].to_pylist() == ["1", "x", "m:2"]
    assert marks(["a" * 64, "b" * 64, "a" * 64]) == ["a" * 16, "b" * 16, "a" * 16 + "~2"]


DELIMITED = [
    ("a,b\n1,2\n", [["1", "2"]], {}),
    ("\ufeffa,b\r\n1,2\r\n", [["1", "2"]], {}),
    ("a;b\n1,5;2\n", [["1,5", "2"]], {}),
    ("a\tb\n1\t2", [["1", "2"]], {}),
    ("a|b\n1|2", [["1", "2"]], {}),
    ('a,b\n"x\ny","2 ""q"""\n3,4\n', [["x\ny", '2 "q"'], ["3", "4"]], {}),
    ('a,b\n"x,2\n3,4\n5,6\n', [["3", "4"], ["5", "6"]], {"rows": 1}),
    ('a,b\n5" disk,2\n3,4\n', [['5" disk', "2"], ["3", "4"]], {}),
    ('a,b\n"x"y,2\n', [["xy", "2"]], {}),
    ("a,\n1,2\n", [["1", "2"]], {}),
    ("a,b\n1\n\n1,2,3,4\n", [["1", None], ["1", "2"]], {"values": 2}),
    ("a,b\n" + "x" * 200_000 + ",2\n", [["x" * 200_000, "2"]], {}),
    ("a,b\n", [], {}),
    ("", [], {}),
]


@pytest.mark.parametrize(("text", "records", "lost"), DELIMITED, ids=range(len(DELIMITED)))
def test_records_of_others(text: str, records: list[Any], lost: dict[str, int]) -> None:
    passed = Passed()
    found = list(delimited(io.StringIO(text, newline=""), "f.csv", passed))
    assert [list(row.values()) for row in found] == records
    assert {unit: sum(n.values()) for unit, n in passed.document().items()} == lost


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(FormatError, match=r"`f\.csv` has two columns called `a`"):
        list(delimited(["a,b,a\n", "1,2,3\n"], "f.csv", Passed()))


def test_fields_of_lines_as_columns() -> None:
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": "x", "c": [1], "d": {"k": 1}, "e": 1, "f": None, "g": {}, "h": 2**70},
        {"a": 2.5, "b": None, "c": [], "d": {"k": 2, "l": "\ud800"}, "e": "one", "i": [[True]]},
    ]
    fields = Fields()
    for row in rows:
        fields.add(row)
    schema = fields.schema()
    table = pa.table(columns_of(rows, schema), schema=schema).to_pylist()
    assert table[0] == {
        "a": 1.0,
        "b": "x",
        "c": [1],
        "d": {"k": 1, "l": None},
        "e": "1",
        "f": None,
        "g": "{}",
        "h": str(2**70),
        "i": None,
    }
    assert table[1] == {
        "a": 2.5,
        "b": None,
        "c": [],
        "d": {"k": 2, "l": "\ufffd"},
        "e": '"one"',
        "f": None,
        "g": None,
        "h": None,
        "i": [[True]],
    }


BOMB = """
import re, sys
from pathlib import Path
from webtext_py.reader import read_batches, recognise
total = sum(b["text"].nbytes for b in read_batches(recognise(Path(sys.argv[1])), batch_bytes=1<<20))
print(total, re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is Linux's")
@pytest.mark.parametrize("encoding", ["RLE_DICTIONARY", "DELTA_BYTE_ARRAY"])
def test_a_small_table_of_gigabytes_needs_little_memory(tmp_path: Path, encoding: str) -> None:
    """A value of a megabyte, 3,000 times."""
    path = tmp_path / "a.parquet"
    with_dictionary = encoding == "RLE_DICTIONARY"
    options: dict[str, Any] = {} if with_dictionary else {"column_encoding": {"text": encoding}}
    schema = pa.schema([("text", pa.string())])
    value = pa.array(["x" * (1 << 20)])
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=with_dictionary,
        dictionary_pagesize_limit=4 << 20, **options,
    ) as writer:  # fmt: skip
        indices = pa.array([0] * (1000 if with_dictionary else 300), pa.int32())
        column = pa.DictionaryArray.from_arrays(indices, value)
        if not with_dictionary:
            column = column.dictionary_decode()
        writer.write_table(pa.table({"text": column.cast(pa.string())}))
    assert path.stat().st_size < 100_000
    run = [sys.executable, "-P", "-c", BOMB, str(path)]
    total, peak = subprocess.run(run, capture_output=True, check=True).stdout.split()
    assert int(total) > (1000 if with_dictionary else 300) << 20
    assert int(peak) < 500_000
    assert re.fullmatch(rb"\d+", peak)


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_tables_with_two_columns_of_one_name_are_refused(tmp_path: Path, form: str) -> None:
    path, twice = tmp_path / "a", pa.Table.from_arrays([TEXT, TEXT], ["text", "text"])
    if form == "parquet":
        pq.write_table(twice, path)
    else:
        with pa.ipc.new_file(path, twice.schema) as file:
            file.write_table(twice)
    with pytest.raises(FormatError, match="two columns called `text`"):
        list(read_batches(recognise(path)))
