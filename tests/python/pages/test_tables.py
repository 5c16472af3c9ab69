"""Tables and folders of pages in every type: read, or counted as not understood."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.errors import FormatError, InputError
from webtext_py.pages.archive import list_containers, read_captures, scan_container
from webtext_py.pages.capture import Capture

URL, SECOND = "http://a.example/", 1_483_228_800
PAGE = "<!DOCTYPE html><html><body><p>text é</p></body></html>"


def scanned(path: Path) -> tuple[list[Capture], dict[str, Any]]:
    """The captures of a container, and what was passed over."""
    [container] = list_containers([str(path)])
    scan = scan_container(container)
    captures = list(scan)
    bodies = [
        payload.body for _, payload in read_captures(container, [c.location for c in captures])
    ]
    assert all(
        body.decode() == PAGE
        for body, c in zip(bodies, captures, strict=True)
        if c.outcome == "good"
    )
    return captures, scan.passed.document()


def table(path: Path, **columns: Any) -> Path:
    """A table of one page."""
    given = {"url": pa.array([URL]), "html": pa.array([PAGE]), **columns}
    pq.write_table(pa.table(given), path)
    return path


TIMES = [
    pa.array([SECOND]),
    pa.array([SECOND * 1000]),
    pa.array([SECOND * 10**6]),
    pa.array([float(SECOND)]),
    pa.array([SECOND * 1000.0]),
    pa.array([str(SECOND * 1000)]),
    pa.array(["2017-01-01T00:00:00Z"]).cast(pa.string_view()),
    pa.array(["20170101000000"]).dictionary_encode(),
    pa.array([SECOND * 10**9 + 1], pa.timestamp("ns")),
    pa.array([SECOND * 1000], pa.timestamp("ms", "UTC")),
    pa.array([17167], pa.date32()),
]


@pytest.mark.parametrize("column", TIMES, ids=lambda column: f"{column.type}-{column[0]}")
def test_times_of_every_type(tmp_path: Path, column: pa.Array) -> None:
    [capture], passed = scanned(table(tmp_path / "a.parquet", fetched_at=column))
    assert capture.fetched_at == SECOND * 10**6
    assert capture.outcome == "good"
    assert passed == {}


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array(["yesterday"]), "fetched_at: no time"),
        (pa.array([True]), "fetched_at: no time"),
        (pa.array([1e25]), "fetched_at: no time"),
        (pa.array([2**62], pa.timestamp("us")), "fetched_at: a time out of range"),
    ],
)
def test_times_that_are_none_are_counted(tmp_path: Path, column: pa.Array, said: str) -> None:
    path = table(tmp_path / "a.parquet", fetched_at=column, other=pa.array([1]))
    [capture], passed = scanned(path)
    assert capture.fetched_at is None
    assert passed == {"values": {said: 1}, "fields": {"other: not used": 1}}


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.binary(),
        pa.binary_view(),
        pa.dictionary(pa.int32(), pa.binary()),
    ],
    ids=str,
)
def test_pages_and_addresses_of_every_type(tmp_path: Path, kind: pa.DataType) -> None:
    html = (
        pa.array([PAGE.encode()]).cast(kind)
        if "binary" in str(kind)
        else pa.array([PAGE]).cast(kind)
    )
    url = pa.array([URL]) if "binary" in str(kind) else pa.array([URL]).cast(kind)
    [capture], _ = scanned(table(tmp_path / "a.parquet", html=html, url=url))
    assert (capture.url, capture.outcome) == (URL, "good")


def test_tables_with_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    broken = pa.array([b"http://a.example/\xff"], pa.binary())
    url = pa.Array.from_buffers(pa.string(), 1, broken.buffers())
    [capture], _ = scanned(table(tmp_path / "a.parquet", url=url))
    assert capture.outcome == "not_http"


def test_other_tables_are_refused_and_corrupt_ones_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", html=pa.array([[PAGE]]))
    with pytest.raises(InputError, match="column `html` is list"):
        list_containers([str(path)])
    path = table(tmp_path / "b.parquet", html=pa.array([PAGE * 50]))
    data = bytearray(path.read_bytes())
    data[8:120] = b"\xff" * 112
    path.write_bytes(data)
    [container] = list_containers([str(path)])
    with pytest.raises(FormatError, match=r"b\.parquet` is a damaged"):
        list(scan_container(container))


def test_indexes_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    long = "x" * 200_000
    (tmp_path / "urls.csv").write_text(
        "\ufefffile;url;fetched_at;note\r\n"
        f"a.html;{URL};{SECOND}000;{long}\r\n"
        f"loop;{URL};2017-01-01;\r\n"
        f'"a.html;{URL};;\r\n'
        f"a.html;{URL};soon;\r\n",
        newline="",
    )
    captures, passed = scanned(tmp_path)
    assert [c.outcome for c in captures] == ["good", "no_payload", "good"]
    assert [c.fetched_at for c in captures] == [SECOND * 10**6, SECOND * 10**6, None]
    assert passed == {
        "fields": {"note: not used": 1},
        "rows": {"a quote that nothing closes": 1},
        "values": {"fetched_at: no time": 1},
    }


def test_a_deep_line_of_an_index_costs_that_line(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    row = json.dumps({"file": "a.html", "url": URL, "fetched_at": SECOND + 0.5})
    (tmp_path / "urls.jsonl").write_text('{"file":' + "[" * 200_000 + "\n" + row + "\n")
    [capture], _ = scanned(tmp_path)
    assert capture.fetched_at == SECOND * 10**6 + 500_000
    assert datetime.fromtimestamp(SECOND, UTC).year == 2017
