"""The index and the reports in the manifest: verified, stale, killed and taken up again."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import overlap as lib
from webtext_py.cli.main import run
from webtext_py.manifest import Manifest
from webtext_py.verify import verify

from .conftest import Write


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo build with its index and report."""
    data = tmp_path_factory.mktemp("built") / "data"
    assert run(["build", "--quiet", "--data", str(data)]) == 0
    assert run(["overlap", "--quiet", "--data", str(data)]) == 0
    return data


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "data"))


def test_index_and_report_are_entries_and_verify(data: Path) -> None:
    stages = Manifest(data).stages
    index, report = stages["overlap-index/ngram8"], stages["overlap/squad"]
    assert list(index.outputs) == ["overlap/ngram8.bloom"]
    names = ["overlap/squad.hits.parquet", "overlap/squad.html", "overlap/squad.json"]
    assert list(report.outputs) == names
    assert index.upstream == {"shard": stages["shard"].key}
    assert report.upstream == {"overlap-index/ngram8": index.key}
    assert (index.config["n"], index.config["ascii"]) == (8, False)
    assert list(report.inputs) == ["squad.jsonl"]
    shards = (data / "shards").glob("train-*")
    assert index.counts["documents"] == sum(pq.read_metadata(p).num_rows for p in shards)
    assert verify(data).problems == []


@pytest.mark.parametrize("name", ["ngram8.bloom", "squad.json", "squad.html"])
def test_altered_and_lost_files_are_named(data: Path, name: str) -> None:
    path = data / "overlap" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert verify(data).problems == [f"`overlap/{name}` was altered"]
    path.unlink()
    assert verify(data).problems == [f"`overlap/{name}` is lost"]


def test_check_keeps_the_manifest_true(data: Path) -> None:
    before = Manifest(data).stages["overlap-index/ngram8"].outputs["overlap/ngram8.bloom"]
    assert run(["overlap", "check", "--probes", "1000", "--quiet", "--data", str(data)]) == 0
    after = Manifest(data).stages["overlap-index/ngram8"].outputs["overlap/ngram8.bloom"]
    assert before["sha256"] != after["sha256"]  # the result is kept in the file
    assert verify(data).problems == []


@pytest.mark.parametrize("moment", ["before the file", "after the file"])
@pytest.mark.parametrize("again", ["check", "report"])
def test_killed_while_the_check_is_stored(data: Path, moment: str, again: str) -> None:
    program = """
import os, signal, sys
from webtext_py.cli.main import run
from webtext_py.manifest import Manifest
from webtext_py import workspace
def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)
save = Manifest.save
if sys.argv[1] == "before the file":
    Manifest.save = lambda manifest: kill(save(manifest))
else:
    workspace.file_facts = kill
run(sys.argv[2:])
"""
    check = ["overlap", "check", "--probes", "1000", "--quiet", "--data", str(data)]
    killed = subprocess.run([sys.executable, "-P", "-c", program, moment, *check])
    assert killed.returncode == -signal.SIGKILL
    stored = lib.Index(data / "overlap" / "ngram8.bloom").measured() is not None
    assert stored == (moment == "after the file")
    [problem] = verify(data).problems
    assert problem == "stage `overlap-index/ngram8` was begun and not finished"
    assert run(check if again == "check" else ["overlap", "--quiet", "--data", str(data)]) == 0
    assert verify(data).problems == []


def test_a_check_killed_before_the_end_changes_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("webtext_py.overlap.stage.measure_index", stop)
    assert run(["overlap", "check", "--quiet", "--data", str(data)]) != 0
    assert verify(data).problems == []


def test_merging_over_an_index_keeps_the_manifest_true(
    data: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / "overlap" / "ngram8.bloom"
    capacity = str(lib.Index(path).facts["capacity"])
    parts = []
    for part in ("a", "b"):
        train = write(f"{part}.jsonl", [{"text": f"{part} b c d e f g h i"}])
        words = ["--train", str(train), "--capacity", capacity, "--data", str(data / "other")]
        parts.append(str(data.parent / f"{part}.bloom"))
        assert run(["overlap", "index", *words, "--index", parts[-1], "--quiet"]) == 0
    # Parts that do not fit leave all as it was.
    other = str(data.parent / "n5.bloom")
    words[1] = str(train)
    assert run(["overlap", "index", *words, "-n", "5", "--index", other, "--quiet"]) == 0
    merge = ["overlap", "merge", "--force", "--out", str(path)]
    assert run([*merge, parts[0], other]) == 1
    assert "differ in n" in capsys.readouterr().err
    assert verify(data).problems == []
    # `--data` need not say where the file lies; one of the parts may be replaced.
    assert run([*merge, *parts]) == 0
    assert run([*merge, parts[0], str(path)]) == 0
    entry = Manifest(data).stages["overlap-index/ngram8"]
    assert list(entry.inputs) == ["a.bloom", "ngram8.bloom"]
    assert entry.counts["documents"] == lib.Index(path).facts["documents"] == 3
    # What is true of the report: its index was redone since.
    [problem] = verify(data).problems
    assert problem.startswith("`overlap/squad` was made from `overlap-index/ngram8`")
    assert not list((data / ".state").rglob("*.bloom"))
    # The text's own index is made again where it is asked for.
    assert run(["overlap", "--quiet", "--data", str(data)]) == 0
    assert verify(data).problems == []


def test_an_index_of_another_data_directory(
    data: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / "overlap" / "ngram8.bloom"
    words = ["--quiet", "--data", str(data.parent / "other")]
    assert run(["overlap", "check", "--probes", "1000", "--index", str(path), *words]) == 0
    assert verify(data).problems == []
    link = data.parent / "link.bloom"
    link.symlink_to(path)
    assert run(["overlap", "check", "--probes", "2000", "--index", str(link), *words]) == 0
    assert verify(data).problems == []
    train = write("train.jsonl", [{"text": "a b c d e f g h i"}])
    words += ["--train", str(train), "--index", str(path), "--force"]
    assert run(["overlap", "index", *words]) == 1
    assert "lies in another data directory" in capsys.readouterr().err
    assert verify(data).problems == []


def test_what_is_done_stays(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = data / "overlap" / "ngram8.bloom"
    before = path.stat().st_mtime_ns
    assert run(["overlap", "--data", str(data)]) == 0
    assert "overlap-index/ngram8: done before" in capsys.readouterr().err
    assert path.stat().st_mtime_ns == before
    assert run(["overlap", "index", "--force", "--quiet", "--data", str(data)]) == 0
    assert path.stat().st_mtime_ns != before
    assert verify(data).problems == []


@pytest.mark.parametrize("damage", ["lost", "cut", "altered length"])
def test_a_spoilt_index_is_made_again(data: Path, damage: str) -> None:
    path = data / "overlap" / "ngram8.bloom"
    whole = path.read_bytes()
    if damage == "lost":
        path.unlink()
    else:
        path.write_bytes(whole[:5000] if damage == "cut" else whole + b"x")
    assert run(["overlap", "--quiet", "--data", str(data)]) == 0
    assert path.read_bytes() == whole
    assert verify(data).problems == []


def test_redone_shards_make_the_index_stale(data: Path) -> None:
    path = data / "overlap" / "ngram8.bloom"
    whole = path.read_bytes()
    assert run(["build", "--min-karma", "50", "--force", "--quiet", "--data", str(data)]) == 0
    problems = verify(data).problems
    assert any("`overlap-index/ngram8` was made from `shard`" in line for line in problems)
    assert run(["overlap", "--quiet", "--data", str(data)]) == 0
    assert path.read_bytes() != whole
    assert verify(data).problems == []


def test_another_n_stands_beside_it(data: Path, write: Write) -> None:
    train = write("train.jsonl", [{"text": "a b c d e f"}])
    assert run(["overlap", "-n", "5", "--quiet", "--data", str(data)]) == 0
    assert run(["overlap", "index", "--train", str(train), "--quiet", "--data", str(data)]) == 0
    stages = Manifest(data).stages
    names = [name for name in stages if name.startswith("overlap-index/")]
    assert names[:2] == ["overlap-index/ngram8", "overlap-index/ngram5"]
    assert len(names) == 3
    assert list(stages[names[2]].inputs) == ["train.jsonl"]
    assert stages[names[2]].upstream == {}
    assert verify(data).problems == []


def test_an_index_elsewhere_is_no_entry(tmp_path: Path, write: Write) -> None:
    train = write("train.jsonl", [{"text": "a b c d e f g h i"}])
    test = write("set.jsonl", [{"text": "a b c d e f g h i"}])
    data = tmp_path / "data"
    config = lib.OverlapConfig(
        test=(str(test),), train=(str(train),), index_file=tmp_path / "mine.bloom"
    )
    lib.overlap(data, config)
    assert list(Manifest(data).stages) == ["overlap/set"]
    assert verify(data).problems == []


def test_nothing_is_written_where_there_are_no_shards(tmp_path: Path) -> None:
    for verb in ([], ["index"]):
        assert run(["overlap", *verb, "--data", str(tmp_path / "data")]) == 1
        assert not (tmp_path / "data").exists()


def test_killed_while_indexing_and_run_again_gives_the_same_bytes(tmp_path: Path) -> None:
    words = np.random.default_rng(1).integers(0, 1 << 40, (300, 8000))
    train = tmp_path / "train.parquet"
    pq.write_table(pa.table({"text": [" ".join(map(str, row)) for row in words.tolist()]}), train)

    # Killed when the stage has its entry, or by the system at a byte of the index: spilled keys are
    # fewer, 8 bytes each.
    program = """
import os, resource, signal, sys
from webtext_py.cli.main import main
from webtext_py.manifest import Manifest
limit, save = int(sys.argv.pop(1)), Manifest.save
if limit == 0:
    Manifest.save = lambda manifest: (save(manifest), os.kill(os.getpid(), signal.SIGKILL))
if limit > 0:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main()
"""

    def index(data: Path, limit: int = -1) -> int:
        words = ["overlap", "index", "--train", str(train), "--data", str(data), "--quiet"]
        # Little memory, so that keys are spilled too.
        words += ["--memory", "4M", "--capacity", "6000000", "--workers", "2"]
        command = [sys.executable, "-P", "-c", program, str(limit), *words]
        return subprocess.run(command, check=False).returncode

    assert index(tmp_path / "whole") == 0
    [expected] = (tmp_path / "whole" / "overlap").glob("*.bloom")
    data = tmp_path / "data"
    for limit in (0, 20_000_000, 40_000_001):
        assert index(data, limit) == -(signal.SIGXFSZ if limit else signal.SIGKILL)
        left = [path.stat().st_size for path in data.glob("overlap/.tmp-*")]
        assert left == [limit] * (limit > 0)
        assert not list(data.glob("overlap/ngram*"))
        states = [e["state"] for e in _stages(data).values()]
        assert states == ["running"]
        [problem] = verify(data).problems
        assert "was begun and not finished" in problem
    assert index(data) == 0
    made = data / "overlap" / expected.name
    assert made.read_bytes() == expected.read_bytes()
    assert sorted(p.name for p in (data / "overlap").iterdir()) == [expected.name]
    assert verify(data).problems == []


def _stages(data: Path) -> dict[str, dict[str, str]]:
    stages: dict[str, dict[str, str]] = json.loads((data / "manifest.json").read_bytes())["stages"]
    return stages
