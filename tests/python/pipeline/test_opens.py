"""Tasks, opens and bytes of a build: in proportion to its size, whatever the number of files."""

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import trees

SCRIPT = Path(__file__).with_name("many_files.py")


def command(folder: Path, files: int, partitions: int, most: int) -> list[str]:
    numbers = map(str, (files, partitions, most))
    return [sys.executable, "-P", str(SCRIPT), str(folder), *numbers]


def grown(folder: Path, files: int, partitions: int, most: int) -> dict[str, int]:
    """Tasks of a build, bytes that they wrote, and files of the build that its process opened,
    counted by the kernel."""
    log = folder.with_suffix(".log")
    traced = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat", "-o", str(log)]
    counts = subprocess.check_output([*traced, *command(folder, files, partitions, most)])
    with log.open(errors="replace") as lines:
        opens = sum(f'"{folder}/' in line and " = -1 " not in line for line in lines)
    return {**json.loads(counts), "opens": opens}


# More files of everything than a task of a merge reads, as in a large build, where partitions grow
# with the input (`partitions_for`); and fewer, where they do not.
@pytest.mark.parametrize(("partitions", "most"), [(None, 3), (2, 256)])
def test_tasks_opens_and_bytes_grow_with_the_size_of_a_build(
    tmp_path: Path, partitions: int | None, most: int
) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace, which counts the opens, is not installed")
    sizes = (4, 8, 16)
    counts = [grown(tmp_path / str(n), n, partitions or n, most) for n in sizes]
    # What a build of any size does falls away in the differences.
    a_file = {
        what: [
            (more[1][what] - less[1][what]) / (more[0] - less[0])
            for less, more in itertools.pairwise(zip(sizes, counts, strict=True))
        ]
        for what in counts[0]
    }
    for what, (before, after) in a_file.items():
        # 1.0, 1.0 and .99. If the tasks of a single merge opened the files of all partitions, 1.04
        # of opens; if each bundle opened what each task found in articles, 1.2; if a shuffle wrote
        # a batch for each partition, 1.27 of bytes.
        assert after < 1.02 * before, (what, a_file)


def test_fewer_files_for_a_task_give_the_same_bytes(tmp_path: Path) -> None:
    for name, most in (("few", 3), ("many", 1024)):
        subprocess.run(command(tmp_path / name, 12, 8, most), check=True)
    few, many = tmp_path / "few" / "data", tmp_path / "many" / "data"
    assert trees.digests(few) == trees.digests(many)
    counts = json.loads((few / "manifest.json").read_bytes())["stages"]["dedup"]["counts"]
    assert counts["dropped"] == {"exact_duplicate": 4}
