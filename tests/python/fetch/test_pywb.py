"""pywb as the Wayback, and pywb over what we wrote: outside truth for CDX, Memento and WARC.

pywb wants other versions of much that we use, so it runs from an environment of its own:
`python -m venv ENV && ENV/bin/pip install -r requirements-pywb.lock`, and `WEBTEXT_PYWB=ENV/bin`
names it. `.ci/run` makes one.
"""

import http.client
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .archives import warc_member
from .server import Server
from .test_build import shards
from .test_wayback import PARKED
from .worlds import article, live, run, urls, world, write_hosts, write_links

Start = Callable[[Path, list[Path]], str]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a pywb over WARC files; gives the address of its collection."""
    folder = os.environ.get("WEBTEXT_PYWB")
    if not folder:
        pytest.skip("no pywb: WEBTEXT_PYWB names none (see tests/python/fetch/test_pywb.py)")
    started: list[subprocess.Popen[bytes]] = []

    def begin(place: Path, files: list[Path]) -> str:
        place.mkdir()
        manager = Path(folder) / "wb-manager"
        quiet = {"cwd": place, "check": True, "capture_output": True}
        subprocess.run([manager, "init", "coll"], **quiet)  # type: ignore[call-overload]
        subprocess.run([manager, "add", "coll", *files], **quiet)  # type: ignore[call-overload]
        with socket.socket() as holder:  # until pywb has it, so that nobody else is given the port
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            port = str(holder.getsockname()[1])
            words = [Path(folder) / "wayback", "-b", "127.0.0.1", "-p", port, "-d", place]
            quiet_end = subprocess.DEVNULL
            started.append(
                subprocess.Popen(words, stdout=quiet_end, stderr=quiet_end, start_new_session=True)
            )
            base = f"http://127.0.0.1:{port}/coll"
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"{base}/cdx?url=http://none.test/", timeout=60):
                        return base
                except urllib.error.HTTPError as error:
                    error.close()
                    return base
                except OSError:
                    time.sleep(0.1)
        raise AssertionError("pywb did not start")

    yield begin
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_all_dead_links_come_back_from_pywb(tmp_path: Path, start: Start) -> None:
    names = [f"http://dead{n % 3}.test/{n}" for n in range(12)]
    members = []
    for n, url in enumerate(names):
        day = f"2015-12-{n + 1:02d}T00:00:00Z"
        members += [
            warc_member(url, "2014-01-01T00:00:00Z", article("too early")),
            warc_member(url, day, article(url)),
            warc_member(url, "2015-12-12T00:00:00Z", PARKED),
            warc_member(url, "2015-12-13T00:00:00Z", b"gone", status="404 Not Found"),
            warc_member(url, "2016-05-01T00:00:00Z", article("later")),
        ]
    (tmp_path / "old.warc.gz").write_bytes(b"".join(members))
    base = start(tmp_path / "pywb", [tmp_path / "old.warc.gz"])
    write_hosts(tmp_path / "hosts", 1)
    write_links(tmp_path / "links.csv", names)  # posted on 2015-12-13
    run(
        live(tmp_path, "data", "--pages", "wayback", "--cdx", f"{base}/cdx",
             "--archive-rate", "6000")
    )  # fmt: skip
    found = {str(d["url"]): str(d["fetched_at"])[:10] for d in shards(tmp_path / "data")}
    # The last link's good capture is of the day of the parked one.
    assert found == {url: f"2015-12-{n + 1:02d}" for n, url in enumerate(names)}


def test_pywb_replays_what_was_fetched(tmp_path: Path, start: Start) -> None:
    write_hosts(tmp_path / "hosts", 2)
    with Server(world(), address="0.0.0.0") as server:
        links = urls(server.port, 2, 10)
        write_links(tmp_path / "links.csv", links)
        run(live(tmp_path, "data"))
    files = sorted((tmp_path / "data" / "pages").glob("*.warc.gz"))
    base = start(tmp_path / "pywb", files)
    for url in links:
        status, location, body = replay(base, url)
        host = url.split("/")[2].rpartition(":")[0]
        if "/gone/" in url:
            assert status == 404
        elif "/move/" in url:
            target = "/page/moved-" + url.rpartition("/")[2]
            assert (status, location) == (302, target)
            whole = url.rpartition("/move/")[0] + target
            assert replay(base, whole) == (200, None, article(host + target))
        else:
            name = host + "/page/" + url.rpartition("/")[2]
            assert body == article("the same everywhere" if "/same/" in url else name), url


def replay(base: str, url: str) -> tuple[int, str | None, bytes]:
    """Status, `Location` and body that pywb gives for a capture as it was stored."""
    place = urlsplit(base)
    connection = http.client.HTTPConnection(place.netloc, timeout=60)
    try:
        connection.request("GET", f"{place.path}/20270101000000id_/{url}")
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location"), answer.read()
    finally:
        connection.close()
