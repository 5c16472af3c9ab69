"""Finding records again costs what the archive is long, however it is made."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from webtext_py.pages import warc
from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.pages.http import parse_head

REPOSITORY = Path(__file__).parents[3]


def _bench() -> ModuleType:
    """The benchmark's archives are the test's."""
    spec = importlib.util.spec_from_file_location("r", REPOSITORY / "benches/pages_resync.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BENCH = _bench()


@pytest.mark.parametrize("packing", ["", ".gz"])
@pytest.mark.parametrize("name", BENCH.ATTACKS)
def test_resynchronisation_is_linear(tmp_path: Path, name: str, packing: str) -> None:
    kind = "arc" if name == "ARC" else "warc"
    path = tmp_path / f"a.{kind}{packing}"
    small, large = (BENCH.ATTACKS[name](size) for size in (100_000, 1_000_000))
    least = min(BENCH.scan_seconds(path, small) for _ in range(3))
    # Ten times is linear. Quadratic ones took from 1.3 s (continuation lines) to hours (nested).
    assert BENCH.scan_seconds(path, large) < 40 * max(least, 0.005)


def test_continuation_lines_join_as_they_did() -> None:
    header = warc.parse(b"WARC/1.0\r\nA: b\r\n  c \r\n \r\n\td\r\nE:\r\n f\r\nA: z\r\n y\r\n\r\n")
    assert header is not None
    assert header.fields == {"a": "b c d", "e": "f"}
    head = parse_head(b"HTTP/1.1 200 OK\r\nA: b\r\n  c \r\n\td\r\nE:\r\n f\r\n\r\n")
    assert head is not None
    assert head.headers == [("A", "b c d"), ("E", "f")]


def test_damaged_header_run_into_the_next_costs_one_record(tmp_path: Path) -> None:
    """The first header of those with one blank line says no length; the last one counts."""
    whole = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.test/\r\n"
        b"Content-Length: 24\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<html\r\n\r\n"
    )
    cut = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: x\r\nWARC-Ta "
    path = tmp_path / "a.warc"
    path.write_bytes(whole + b"?" + cut * 3 + whole + whole)
    scan = scan_container(list_containers([str(path)])[0])
    assert sum(c.outcome != "damaged_record" for c in scan) == 3
