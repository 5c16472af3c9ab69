"""A small world of pages with planted clusters, and builds of it."""

import hashlib
import json
import random
from pathlib import Path

from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.manifest import Manifest
from webtext_py.pipeline import Build, Sources

# Several shards of both splits, several bundles; the cut is that of the last document held out.
SETTINGS = BuildConfig(
    shard_bytes=1500, validation=0.01, validation_documents=6, partitions=3, min_words=20
)
ALONE = 24
_COMMON = ["the", "of", "and", "to", "in", "that", "it", "is", "was", "for", "with", "as", "on"]


def words(name: str, count: int) -> list[str]:
    """Words of an English page that no other name has."""
    draw = random.Random(name)
    own = [hashlib.sha1(f"{name}{n}".encode()).hexdigest()[:7] for n in range(count // 3)]
    return [draw.choice(own if n % 3 else _COMMON) for n in range(count)]


def sentence(name: str) -> str:
    """What the page called `name` alone says."""
    return f"Only {name} says zebra{hashlib.sha1(name.encode()).hexdigest()[:9]} here."


def texts() -> dict[str, list[str]]:
    """Texts by name: `chain-a`, `-b` and `-c` each resemble the next, `a` and `c` not enough;
    `copy` equals `twin`; `near` resembles `middle`; the rest stands alone."""
    chain = words("chain", 300)
    pages = {
        "chain-a": chain,
        "chain-b": [*chain[:278], *words("b", 22)],
        "chain-c": [*words("c", 18), *chain[18:278], *words("b", 22)],
        "twin": words("twin", 200),
        "copy": words("twin", 200),
        "middle": words("middle", 240),
        "near": [*words("middle", 240)[:228], *words("near", 12)],
    }
    return pages | {f"alone-{n:02d}": words(f"alone-{n}", 120 + 7 * n) for n in range(ALONE)}


def write_world(folder: Path) -> Sources:
    """Pages and links as files in `folder`: karma falls in the order of the names."""
    pages = folder / "pages"
    pages.mkdir(parents=True)
    links, rows = [], ["file,url"]
    for n, (name, said) in enumerate(texts().items()):
        parts = [" ".join(said[i : i + 40]) for i in range(0, len(said), 40)]
        body = "".join(f"<p>{part}.</p>" for part in parts)
        if name.startswith("alone"):
            body += f"<p>{sentence(name)}</p>"
        head = f"<html><head><title>{name}</title></head>"
        (pages / f"{name}.html").write_text(f"{head}<body><article>{body}</article></body></html>")
        url = f"http://{'www.' if n % 2 else 'news.'}site{n % 5}.example/{name}"
        rows.append(f"{name}.html,{url}")
        links.append({"url": url, "karma": 500 - n, "created_utc": 1_450_000_000 + n})
    (pages / "urls.csv").write_text("\n".join(rows) + "\n")
    (folder / "links.jsonl").write_text("".join(json.dumps(link) + "\n" for link in links))
    return Sources(links=folder / "links.jsonl", pages=(str(pages),))


def build(data: Path, sources: Sources, settings: BuildConfig = SETTINGS) -> Build:
    """Builds and returns the build."""
    made = Build(data, sources, settings)
    made.run(LocalEngine(1))
    return made


def keys(data: Path) -> dict[str, str]:
    """The key of every stage."""
    return {name: entry.key for name, entry in Manifest(data).stages.items()}


def digests(data: Path) -> dict[str, str]:
    """SHA-256 of every file of a data directory by its name; the manifest tells seconds."""
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(data.rglob("*"))
        if path.is_file() and ".state" not in path.parts and path.name != "manifest.json"
    }
