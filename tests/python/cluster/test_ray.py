"""Ray as the engine: the same bytes as here, whatever dies, stops or differs on the way."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import HERE, Nodes, family, line_of


def tree(data: Path) -> dict[str, str]:
    """SHA-256 of every file that a command left, but the manifest with its seconds."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and ".state" not in path.parts and path.name != "manifest.json"
    }


def journal(data: Path) -> list[dict[str, Any]]:
    lines = (data / ".state" / "attempts.jsonl").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]  # one may be being written


def wait_for(what: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """What is waited for, while the process lives."""
    while not (found := what()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    return found


def ended(process: subprocess.Popen[str]) -> Any:
    """What a driver printed, None for nothing."""
    out, err = process.communicate(timeout=150)
    assert process.returncode == 0, err
    return json.loads(out) if out else None


@pytest.fixture(scope="session")
def slowly(tmp_path_factory: pytest.TempPathFactory, nodes: Nodes) -> dict[str, str]:
    """What the slow build leaves where nothing happens."""
    data = tmp_path_factory.mktemp("slow") / "data"
    driven(nodes, "local", data, "build")
    return tree(data)


def driven(nodes: Nodes, *arguments: object) -> None:
    """Runs the driver to its end."""
    command = [sys.executable, "-P", str(HERE / "driver.py"), *map(str, arguments)]
    subprocess.run(command, env=nodes.env, cwd=HERE, check=True, capture_output=True)


def test_every_command_gives_the_same_bytes(nodes: Nodes, tmp_path: Path) -> None:
    found, digests = [], []
    for name, address in (("local", "local"), ("ray", nodes.address)):
        data = tmp_path / name
        driven(nodes, address, data, "commands")
        # Pages and figures say how long it took; the digest is of all else.
        digests.append(json.loads((data / "report" / "report.json").read_bytes())["digest"])
        found.append({name: facts for name, facts in tree(data).items() if name[:6] != "report"})
    assert found[0] == found[1]
    assert digests[0] == digests[1]
    assert len(found[0]) > 30
    done = [row for row in journal(tmp_path / "ray") if row["what"] == "done"]
    assert len({row["node"] for row in done}) >= 3
    assert {"digest-00001", "count-00001", "distinct-00001"} <= {row["task"] for row in done}


def test_passes_over_texts_by_tasks_give_what_one_process_gives(
    nodes: Nodes, tmp_path: Path
) -> None:
    words = [f"w{n}" for n in range(90)]
    texts = [" ".join(random.Random(n).choices(words, k=400)) for n in range(40)]
    files = [tmp_path / f"{n}.jsonl" for n in range(5)]
    for n, file in enumerate(files):
        mine = texts[:9] if n == 0 else texts[8 * n : 8 * n + 8]  # the first is the test set
        file.write_text("".join(json.dumps({"text": text}) + "\n" for text in mine))
    found = []
    for address in ("local", nodes.address):
        data = tmp_path / f"data-{len(found)}"
        driven(nodes, address, data, "texts", *files)
        found.append(tree(data))
    assert found[0] == found[1]
    done = {row["task"] for row in journal(data) if row["what"] == "done"}
    for step in ("keys", "evidence", "count", "drop"):
        assert {f"{step}-{n:05d}" for n in range(4)} <= done


def extracting(data: Path) -> list[dict[str, Any]]:
    """Attempts of the journal that extract, once each node has one."""
    if not (data / ".state" / "attempts.jsonl").exists():
        return []
    rows = [row for row in journal(data) if row["task"].startswith("extract-")]
    return rows if len(rows) >= 3 else []


def at_work(nodes: Nodes, data: Path, process: subprocess.Popen[str], number: int) -> str:
    """Sends a signal to a node that has a page in hands; none is done before."""
    nodes.hold.touch()
    try:
        begun = {row["node"] for row in wait_for(lambda: extracting(data), process)}
        victim = wait_for(lambda: [n for n in begun if nodes.extracts(n)], process)[0]
        nodes.signal(victim, number)
    finally:
        nodes.hold.unlink()
    return str(victim)


def test_a_killed_node_costs_its_attempts_alone(
    nodes: Nodes, tmp_path: Path, slowly: dict[str, str]
) -> None:
    nodes.add()  # for the one that goes
    process = nodes.python("driver.py", tmp_path, "build")
    victim = at_work(nodes, tmp_path, process, signal.SIGKILL)
    ended(process)
    assert tree(tmp_path) == slowly
    lost = [row for row in journal(tmp_path) if row["what"] == "lost"]
    assert {row["node"] for row in lost} == {victim}
    assert not list(tmp_path.rglob(".tmp-*"))


def late(data: Path) -> dict[str, list[str]]:
    """By node, attempts whose results come too late."""
    found: dict[str, list[str]] = {}
    for row in journal(data):
        if row["what"] in ("lost", "beaten"):
            found.setdefault(row["node"], []).append(row["attempt"])
    return found


def test_a_frozen_node_is_left_alone_and_its_late_results_are_discarded(
    nodes: Nodes, tmp_path: Path, slowly: dict[str, str]
) -> None:
    nodes.add()  # for the one that is not used again
    process = nodes.python("driver.py", tmp_path, "build", "12")
    victim = at_work(nodes, tmp_path, process, signal.SIGSTOP)
    wait_for(lambda: victim in late(tmp_path), process)
    nodes.signal(victim, signal.SIGCONT)
    ended(process)
    time.sleep(1)
    assert tree(tmp_path) == slowly
    # A busy machine may keep another node silent for as long.
    assert not {attempt for node in late(tmp_path).values() for attempt in node} & {
        row["attempt"] for row in journal(tmp_path) if row["what"] == "done"
    }
    nodes.signal(victim, signal.SIGKILL)


def test_a_stopped_or_killed_driver_leaves_a_build_that_goes_on(
    nodes: Nodes, tmp_path: Path, slowly: dict[str, str]
) -> None:
    nodes.hold.touch()  # no page is done
    try:
        # Ctrl-C first, which ends all attempts before the driver itself ends.
        process = nodes.python("driver.py", tmp_path, "build")
        wait_for(lambda: extracting(tmp_path), process)
        os.kill(process.pid, signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=150)[1]
        rows = journal(tmp_path)
        over = {row["attempt"] for row in rows if row["what"] != "begun"}
        assert {row["attempt"] for row in rows} == over
        assert any(row["what"] == "given up" for row in rows)
        nodes.hold.write_text("daidokoro-nikki")  # one page of one task is not done
        process = nodes.python("driver.py", tmp_path, "build")
        wait_for(lambda: [r for r in extracting(tmp_path) if r["what"] == "done"], process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    finally:
        nodes.hold.unlink()
    marked = {path.stem for path in (tmp_path / ".state" / "done").rglob("*.json")}
    for file in (tmp_path / ".state" / "done").rglob("*.jsonl"):
        marked |= {json.loads(line)["name"] for line in file.read_text().splitlines()}
    assert any(name.startswith("extract-") for name in marked)
    before = len(journal(tmp_path))
    ended(nodes.python("driver.py", tmp_path, "build"))
    assert tree(tmp_path) == slowly
    again = {row["task"] for row in journal(tmp_path)[before:] if row["what"] == "begun"}
    assert again
    assert not again & marked


@dataclass(frozen=True)
class Ran:
    """What became of eight tasks, and the directory in which they were to be done."""

    said: dict[str, Any]
    data: Path


RUNS = ("write:ada-url", "hog", "die", "fail")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, nodes: Nodes) -> dict[str, Ran]:
    """By function, what one driver found."""
    folder = tmp_path_factory.mktemp("tasks")
    said = ended(nodes.python("driver.py", folder, "tasks", *RUNS))
    return {name: Ran(each, folder / name) for name, each in zip(RUNS, said, strict=True)}


def test_a_hog_is_retried_alone_and_then_named(ran: dict[str, Ran]) -> None:
    found, data = ran["hog"].said, ran["hog"].data
    assert found["error"].startswith("task `step-00003` ran out of memory or died 3 times")
    rows = [row for row in journal(data) if row["task"] == "step-00003"]
    begun = [row for row in rows if row["what"] == "begun"]
    assert [row["alone"] for row in begun] == [False, True, True]
    assert begun[2]["memory"] == 2 * begun[1]["memory"] > 0
    rows = [json.loads(line) for line in (data / "ran.jsonl").read_text().splitlines()]
    alone = [row for row in rows if row["number"] == 3][1:]
    assert len(alone) == 2
    for hog in alone:
        beside = [row for row in rows if row["node"] == hog["node"] and row is not hog]
        assert all(r["ended"] <= hog["began"] or r["began"] >= hog["ended"] for r in beside)


def test_a_task_that_kills_itself_is_named_after_three_attempts(
    nodes: Nodes, ran: dict[str, Ran]
) -> None:
    found, data = ran["die"].said, ran["die"].data
    assert found["error"].startswith("task `step-00003` died 3 times, the last time on node ")
    rows = [row for row in journal(data) if row["task"] == "step-00003"]
    assert sum(row["what"] == "begun" for row in rows) == 3
    markers = {path.stem for path in (data / ".state" / "done").rglob("*.json")}
    assert markers == {row["task"] for row in journal(data) if row["what"] == "done"}
    # What is done stays done, and a new driver tries three times again.
    before = len(journal(data))
    assert ended(nodes.python("driver.py", data.parent, "tasks", "die"))[0]["error"]
    again = [row for row in journal(data)[before:] if row["what"] == "begun"]
    assert not markers & {row["task"] for row in again}
    assert sum(row["task"] == "step-00003" for row in again) == 3


def test_an_error_names_node_task_and_attempt(ran: dict[str, Ran]) -> None:
    found = ran["fail"].said
    assert (found["error"], found["hint"]) == ("`x` is bad", "do better")
    assert found["notes"][-1].startswith("task `step-00003`, attempt 1, on node ")


def test_another_version_of_a_library_is_refused(
    nodes: Nodes, ran: dict[str, Ran], tmp_path: Path
) -> None:
    assert ran["write:ada-url"].said == {"done": 8}  # where all have the same
    folder = tmp_path / "other" / "ada_url-0.0.1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: ada-url\nVersion: 0.0.1\n")
    path = os.pathsep.join((str(folder.parent), nodes.env["PYTHONPATH"]))
    extra = nodes.add(PYTHONPATH=path)
    [found] = ended(nodes.python("driver.py", tmp_path / "data", "tasks", "write:ada-url"))
    assert found["error"].startswith("this node has ada-url 0.0.1, not ")
    assert extra[:8] in found["notes"][-1]
    nodes.signal(extra, signal.SIGKILL)


def test_without_the_token_nothing_runs(nodes: Nodes, tmp_path: Path) -> None:
    env = {**nodes.env, "HOME": str(tmp_path)}  # where Ray looks for one
    del env["RAY_AUTH_TOKEN"]
    command = [sys.executable, "-P", str(HERE / "driver.py"), nodes.address, str(tmp_path), "tasks"]
    ran = subprocess.run([*command, "write"], env=env, cwd=HERE, capture_output=True, text=True)
    [found] = json.loads(ran.stdout)
    assert found["error"].startswith(f"no token for the Ray cluster at `{nodes.address}`: ")
    assert not list((tmp_path / "write" / "out").glob("*"))


HERE_ALONE = """
import sys
from webtext_py.engine.ray_cluster import RayCluster
cluster = RayCluster(cpus=1)
print(len(cluster.nodes()), flush=True)
sys.stdin.read()
cluster.close()
"""


def test_ray_started_here_has_no_statistics_no_dashboard_and_a_token() -> None:
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    env |= {"RAY_USAGE_STATS_ENABLED": "1", "RAY_AUTH_MODE": "disabled"}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-P", "-c", HERE_ALONE], env=env, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "1\n"
        found = {
            name: (line, Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
            for pid in family(process.pid)
            for name in (b"gcs_server", b"raylet", b"dashboard.py")
            if b"/" + name in (line := line_of(pid)).split(b"\0--")[0]
        }
        process.communicate()
    assert set(found) == {b"gcs_server", b"raylet", b"dashboard.py"}
    # What is left of the dashboard would send the statistics.
    assert b"--disable-frontend" in found[b"dashboard.py"][0].split(b"\0")
    for _, given in found.values():
        assert {b"RAY_USAGE_STATS_ENABLED=0", b"RAY_AUTH_MODE=token"} < set(given)
        assert any(value.startswith(b"RAY_AUTH_TOKEN=") for value in given)
    assert process.returncode == 0
