"""Every real dump gives the counts of its README and the rows of the slow twin."""

import bz2
import gzip
import io
import lzma
from pathlib import Path

import pytest
import zstandard

from webtext_py.dump import SubmissionReader
from webtext_py.errors import FormatError

from . import twin

pytestmark = pytest.mark.shared_data

# File, lines, links (`is_self` false), links with score >= 3, over_18: the README beside the files.
COUNTS = [
    ("RS_v2_2005-06.xz", 103, 103, 83, 0),
    ("RS_v2_2005-07.xz", 1079, 1079, 757, 0),
    ("derived/RS_2005-07.long31.zst", 1079, 1079, 757, 0),
    ("derived/RS_2005-07.bz2", 1079, 1079, 757, 0),
    ("derived/RS_2005-07.multistream.bz2", 1079, 1079, 757, 0),
    ("derived/RS_2005-07.gz", 1079, 1079, 757, 0),
    ("RS_2019-10.AskWomen.zst", 8271, 0, 0, 168),
    ("mixed_eras_submissions.ndjson", 31, 19, 5, 6),
    ("listing_t3_lines.zst", 975, 970, 968, 22),
    ("derived/top2013.ndjson.zst", 34996, 30967, 30967, 331),
]


def decompressed(path: Path) -> bytes:
    """The text of a dump, by libraries that the reader does not use."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        decoder = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        return decoder.stream_reader(io.BytesIO(data), read_across_frames=True).read()
    plain = {".xz": lzma.decompress, ".bz2": bz2.decompress, ".gz": gzip.decompress}
    return plain.get(path.suffix, bytes)(data)


@pytest.mark.parametrize(("name", "lines", "links", "karma_3", "over_18"), COUNTS)
def test_counts_and_rows(
    shared_data: Path, name: str, lines: int, links: int, karma_3: int, over_18: int
) -> None:
    path = shared_data / "reddit" / name
    reader = SubmissionReader(path)
    rows = [row for batch in reader for row in batch.to_pylist()]
    text = decompressed(path)
    assert rows == twin.read(text)
    found = [row for row in rows if row["is_self"] is False]
    counts = (
        len(rows),
        len(found),
        sum(row["score"] is not None and row["score"] >= 3 for row in found),
        sum(row["over_18"] is True for row in rows),
    )
    assert counts == (lines, links, karma_3, over_18)
    stats = reader.stats
    assert (stats.lines, stats.ok, stats.damaged, stats.comments) == (lines, lines, 0, 0)
    assert stats.compressed_bytes == path.stat().st_size
    assert stats.decompressed_bytes == len(text)
    assert (stats.lost_bytes, stats.damages) == (0, ())


@pytest.mark.parametrize("batch_lines", [1, 7, 100, 1000])
def test_batch_size_changes_no_row(shared_data: Path, batch_lines: int) -> None:
    path = shared_data / "reddit" / "RS_v2_2005-07.xz"
    whole = [row for batch in SubmissionReader(path) for row in batch.to_pylist()]
    batches = list(SubmissionReader(path, batch_lines=batch_lines))
    assert [row for batch in batches for row in batch.to_pylist()] == whole
    # Rows are held back until it is clear what the file is: the first batch may be larger.
    assert all(batch.num_rows <= batch_lines for batch in batches[1:])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("RC_2005-12.zst", "comment dump"),
        ("RC_2019-10.head1000.ndjson.gz", "comment dump"),
        ("mixed_eras_comments.ndjson", "comment dump"),
        ("top2013_technology.csv.gz", "a CSV file"),
    ],
)
def test_other_kinds_are_refused_by_name(shared_data: Path, name: str, kind: str) -> None:
    with pytest.raises(FormatError, match=kind) as refusal:
        list(SubmissionReader(shared_data / "reddit" / name))
    assert name in str(refusal.value)
