"""The one listing: what folders hold, what is passed over, and that it is counted."""

import bz2
import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.dedup import run_dedup
from webtext_py.errors import ConfigError, FormatError, InputError
from webtext_py.overlap import find_test_sets
from webtext_py.pages.archive import list_containers
from webtext_py.reader import Passed, list_sources, passed_said, read_batches
from webtext_py.sources import Sources

LINE = b'{"id": "a", "text": "x y"}\n'


def texts(folder: Path, passed: Passed) -> list[str]:
    """All texts of a folder."""
    return [
        text
        for source in list_sources([folder], passed=passed)
        for batch in read_batches(source)
        for text in batch["text"].to_pylist()
    ]


def parquet(path: Path, *values: str) -> None:
    """A table of texts."""
    pq.write_table(pa.table({"text": values}), path)


def test_every_file_of_text_is_read_whatever_its_ending(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.bz2").write_bytes(bz2.compress(LINE))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(LINE))
    (tmp_path / "c.json").write_bytes(b"\n" + LINE * 2)
    (tmp_path / "d.ndjson").write_bytes(b"\xef\xbb\xbf" + LINE)
    parquet(tmp_path / "e.parq", "x y")
    parquet(tmp_path / "f", "x y")
    (tmp_path / "g.txt").write_bytes(b"\xef\xbb\xbfx y")
    with pa.OSFile(str(tmp_path / "h.feather"), "wb") as out:
        table = pa.table({"text": ["x y"]})
        with pa.ipc.new_file(out, table.schema) as writer:
            writer.write_table(table)
    passed = Passed()
    assert texts(tmp_path, passed) == ["x y"] * 9
    assert passed.document() == {}


def test_what_a_hub_download_holds_besides_is_counted(tmp_path: Path) -> None:
    files = {
        "data/train-00000-of-00001.parquet": None,
        ".gitattributes": b"*.parquet lfs",
        ".cache/huggingface/download/x.metadata": b"1",
        "README.md": b"---",
        "LICENSE": b"x",
        "dataset_infos.json": b'{"default": {"text": 1}}',
        "croissant.json": b"{\n}",
        "image.png": b"\x89PNG",
        "labels.csv": b"a,b\n",
        "_SUCCESS": b"",
    }
    for name, data in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            parquet(path, "x y")
        else:
            path.write_bytes(data)
    passed = Passed()
    assert texts(tmp_path, passed) == ["x y"]
    said = passed.document()["files"]
    assert said == {
        "hidden": 3,
        "readme.md: a card": 1,
        "license: a card": 1,
        ".json: no lines with `text`": 2,
        ".png: no text by its name": 1,
        ".csv: no text by its name": 1,
    }
    assert str(passed_said(passed.document())).startswith("passed over: 9 files (.csv: no text")


def test_a_saved_data_set_has_the_files_that_it_lists(tmp_path: Path) -> None:
    table = pa.table({"text": ["x y", "z"]})
    for name in ("data-00000-of-00001.arrow", "cache-1234.arrow"):
        path = str(tmp_path / name)
        with pa.OSFile(path, "wb") as out, pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)
    (tmp_path / "state.json").write_text(
        '{"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}'
    )
    (tmp_path / "dataset_info.json").write_text("{}")
    passed = Passed()
    assert texts(tmp_path, passed) == ["x y", "z"]
    assert passed.document()["files"][".arrow: not of the saved data set"] == 1
    [(name, path)], _ = find_test_sets([tmp_path])
    assert (name, path.name) == (tmp_path.name, "data-00000-of-00001.arrow")


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.jsonl").write_bytes(LINE)
    (tmp_path / "in/there").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/loop").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in/self.jsonl").symlink_to(tmp_path / "in/self.jsonl")
    (tmp_path / "in/gone.jsonl").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in/pipe.jsonl")
    passed = Passed()
    assert texts(tmp_path / "in", passed) == ["x y"]
    assert passed.document()["files"] == {"a link to nothing": 2, "no regular file": 1}


def test_every_reader_counts_what_its_folders_hold(tmp_path: Path) -> None:
    record = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    for name in ("RS.zst", "a.warc", "notes.pdf", ".hidden.zst"):
        (tmp_path / name).write_bytes(record if name == "a.warc" else b"x")
    passed = Passed()
    files = Sources(submissions=(str(tmp_path),), pages=("live",)).link_files(passed)[1]
    assert list(files) == ["RS.zst"]
    assert passed.document()["files"] == {
        ".pdf: no dump by its name": 1,
        ".warc: no dump by its name": 1,
        "hidden": 1,
    }
    passed = Passed()
    assert len(list_containers([str(tmp_path)], passed=passed)) == 1
    assert passed.document()["files"] == {".pdf: text": 1, ".zst: text": 1, "hidden": 1}
    (tmp_path / "t.csv").write_text("text\nx\n")
    passed = Passed()
    assert [name for name, _ in find_test_sets([tmp_path], passed)[0]] == ["t"]
    assert sum(passed.document()["files"].values()) == 4


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xff"))
    folder.mkdir()
    (folder / os.fsdecode(b"\xfe.jsonl")).write_bytes(LINE)
    pq.write_table(pa.table({"text": ["x y"]}), tmp_path / "a")
    (tmp_path / "a").rename(folder / os.fsdecode(b"\xfd.parquet"))
    assert texts(folder, Passed()) == ["x y"] * 2
    counts = run_dedup([folder], tmp_path / "out")
    assert counts["kept"] == 1
    with pytest.raises(InputError, match="is not UTF-8"):
        run_dedup([folder / os.fsdecode(b"\xfe.jsonl")], folder / "out")
    with pytest.raises(InputError, match="does not exist") as caught:
        list_sources([folder / "none"])
    str(caught.value).encode()


@pytest.mark.parametrize("name", ["a.parquet", "part.PARQUET"])
def test_a_parquet_file_that_does_not_begin_like_one_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(FormatError, match=name):
        list_sources([tmp_path])


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    for given in (tmp_path / "a.jsonl", tmp_path / "*.jsonl"):
        with pytest.raises(InputError, match=r"a\.jsonl` is no regular file"):
            list_sources([given])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize("text", ["one two", '{"text": "x"}', "五六"])
def test_utf16_is_named(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(("\ufeff" * (encoding != "utf-16") + text).encode(encoding))
    with pytest.raises(InputError, match="UTF-8 was expected"):
        list_sources([path])


def test_a_result_of_dedup_is_an_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_bytes(LINE * 2)
    with pytest.raises(ConfigError, match=r"in/out` lies in `.*in`, which is read"):
        run_dedup([tmp_path / "in"], tmp_path / "in/out")
    run_dedup([tmp_path / "in"], tmp_path / "out")
    passed = Passed()
    assert texts(tmp_path / "out", passed) == ["x y"]
    counts = passed.document()["files"]
    assert counts["duplicates: what `webtext dedup` removed"] == 1
