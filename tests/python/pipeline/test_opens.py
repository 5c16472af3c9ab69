"""How often a build opens files: in proportion to its size, whatever the number of files."""

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


def opens(folder: Path, files: int) -> int:
    """Files of the build that its process opened, counted by the kernel."""
    log = folder.with_suffix(".log")
    traced = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat", "-o", str(log)]
    # A partition for each file: `partitions_for` too grows with the input.
    subprocess.run([*traced, *command(folder, files, files, 3)], check=True)
    with log.open(errors="replace") as lines:
        return sum(f'"{folder}/' in line and " = -1 " not in line for line in lines)


def test_opens_grow_with_the_size_of_a_build(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace, which counts the opens, is not installed")
    sizes = (4, 8, 16)
    counts = [opens(tmp_path / str(files), files) for files in sizes]
    # What a build of any size opens falls away in the differences.
    a_file = [
        (more[1] - less[1]) / (more[0] - less[0])
        for less, more in itertools.pairwise(zip(sizes, counts, strict=True))
    ]
    # It is 1.0005; if the tasks of a single merge opened the files of all partitions, 1.04.
    assert a_file[1] < 1.02 * a_file[0], a_file


def test_fewer_files_for_a_task_give_the_same_bytes(tmp_path: Path) -> None:
    for name, most in (("few", 3), ("many", 1024)):
        subprocess.run(command(tmp_path / name, 12, 8, most), check=True)
    few, many = tmp_path / "few" / "data", tmp_path / "many" / "data"
    assert trees.digests(few) == trees.digests(many)
    counts = json.loads((few / "manifest.json").read_bytes())["stages"]["dedup"]["counts"]
    assert counts["dropped"] == {"exact_duplicate": 4}
