"""A small web on loopback, links into it, and builds over it."""

import asyncio
import csv
import hashlib
import math
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .server import Handler, Request, answer, redirect

COMMON = ["the", "of", "and", "to", "in", "that", "was", "for", "it", "with", "as", "his"]
CONTACT = ("--contact", "tests@example.org")


def article(name: str) -> bytes:
    """A page of 400 words that no other name has."""
    chosen = random.Random(name)
    words = [hashlib.sha1(f"{name}{n}".encode()).hexdigest()[:7] for n in range(40)]
    text = "".join(
        "<p>" + " ".join(chosen.choice(words if n % 3 else COMMON) for n in range(80)) + ".</p>"
        for _ in range(5)
    )
    head = f"<html><head><title>Story {name}</title></head>"
    return f"{head}<body><h1>Story {name}</h1>{text}</body></html>".encode()


@dataclass
class Gate:
    """Lets so many requests through and holds the others until it is opened."""

    left: float = math.inf

    async def passed(self) -> None:
        """Returns once the gate lets one more through."""
        while self.left < 1:
            await asyncio.sleep(0.01)
        self.left -= 1


def world(gate: Gate | None = None) -> Handler:
    """Every /page/N is an article, /move/N leads to one, /gone/N is missing; /same/N are equal."""

    async def handle(
        request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if gate is not None:
            await gate.passed()
        path = request.target
        if path.startswith("/page/"):
            writer.write(answer(article(request.host + path)))
        elif path.startswith("/move/"):
            writer.write(redirect(path.replace("/move/", "/page/moved-")))
        elif path.startswith("/same/"):
            writer.write(answer(article("the same everywhere")))
        else:
            writer.write(answer(b"<p>nothing here</p>", "404 Not Found"))

    return handle


def urls(port: int, hosts: int, each: int) -> list[str]:
    """Links into the world: of ten, seven pages, one moved, one gone, one equal to others."""
    kinds = ["page"] * 7 + ["move", "gone", "same"]
    return [
        f"http://host{h}.test:{port}/{kinds[n % 10]}/{n}" for h in range(hosts) for n in range(each)
    ]


def write_links(path: Path, links: list[str], created: int = 1_450_000_000) -> None:
    """A table of links as `--links` takes it."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url", "karma", "created_utc"])
        rows.writerows([url, 10, created] for url in links)


def write_hosts(path: Path, hosts: int) -> None:
    """Each host at an address of its own on loopback."""
    path.write_text(
        "".join(f"127.0.{h // 250 + 1}.{h % 250 + 1} host{h}.test\n" for h in range(hosts))
    )


def command(folder: Path, data: str, *more: str) -> list[str]:
    """`webtext build` over the links and hosts in `folder`, into `folder/data`."""
    return [
        *(sys.executable, "-P", "-c", "from webtext_py.cli.main import main; main()"),
        *("build", "--quiet", "--data", str(folder / data), "--links", str(folder / "links.csv")),
        *("--workers", "1", "--min-words", "20", "--partitions", "2"),
        *more,
    ]


def live(folder: Path, data: str, *more: str) -> list[str]:
    """The same, from the live servers, without a delay."""
    return command(
        folder, data, "--pages", "live", *CONTACT, "--any-port", "--delay", "0",
        "--allow-network", "127.0.0.0/8", "--hosts", str(folder / "hosts"), *more,
    )  # fmt: skip


def run(words: list[str]) -> None:
    """Runs a command that must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
