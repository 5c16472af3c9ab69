"""Every real archive gives what `tests/fixtures/warc_expected.tsv` says, and peers agree."""

import csv
import logging
from collections import Counter
from pathlib import Path

import fastwarc
import pytest
import warcio

from webtext_py.errors import InputError
from webtext_py.pages.archive import list_containers, read_captures, scan_container
from webtext_py.pages.kinds import Container
from webtext_py.reader.passed import Passed

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "warc_expected.tsv"


def _expected() -> list[dict[str, str]]:
    with FIXTURE.open(encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


ROWS = _expected()


def _counts(text: str) -> dict[str, int]:
    pairs = (item.split("=") for item in text.split() if item != "-")
    return {name: int(number) for name, number in pairs}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_archive_gives_what_was_worked_out_by_hand(row: dict[str, str], shared_data: Path) -> None:
    path = str(shared_data / "warc" / row["file"])
    if row["kind"] == "refused":
        with pytest.raises(InputError, match=r"a (WET|WAT) file"):
            list_containers([path])
        container = Container(path, "warc", row["compression"])
    else:
        [container] = list_containers([path])
        assert (container.kind, container.compression) == (row["kind"], row["compression"])
    scan = scan_container(container)
    captures = list(scan)
    assert dict(scan.records) == _counts(row["whole"])
    assert scan.damaged == int(row["damaged"])
    assert len(scan.damage) == int(row["places"])
    assert sum(item.bytes_lost for item in scan.damage) == int(row["lost"])
    good = [capture for capture in captures if capture.outcome == "good"]
    assert len(good) == int(row["good"])
    payloads = dict(read_captures(container, [capture.location for capture in good]))
    for capture in good:
        payload = payloads[capture.location]
        assert (payload.url, payload.status, payload.problem) == (capture.url, capture.status, None)
        assert b"<" in payload.body


def test_every_archive_of_the_folder_is_in_the_table(shared_data: Path) -> None:
    assert sorted(row["file"] for row in ROWS) == sorted(
        path.name for path in (shared_data / "warc").iterdir()
    )


def test_folder_gives_its_archives_and_names_the_rest(shared_data: Path) -> None:
    passed = Passed()
    containers = list_containers([str(shared_data / "warc")], passed)
    assert [Path(c.file).name for c in containers] == sorted(
        row["file"] for row in ROWS if row["kind"] != "refused"
    )
    refused = [row["file"] for row in ROWS if row["kind"] == "refused"]
    assert sum(passed.document().get("files", {}).values()) == len(refused)


@pytest.mark.parametrize(
    ("row", "peer"),
    [
        (row, peer)
        for row in ROWS
        for peer in ("warcio", "fastwarc")
        if row["peers"] in ("both", peer)
    ],
    ids=lambda value: value if isinstance(value, str) else value["file"],
)
def test_peers_count_the_same_records(
    row: dict[str, str], peer: str, shared_data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    counts: Counter[str] = Counter()
    with (shared_data / "warc" / row["file"]).open("rb") as file:
        if peer == "warcio":
            for record in warcio.ArchiveIterator(file):
                counts[record.rec_type] += 1
                record.content_stream().read()
        else:
            for record in fastwarc.ArchiveIterator(file):
                counts[str(record.record_type).rpartition(".")[2]] += 1
                record.reader.read()
    assert dict(counts) == _counts(row["whole"])
