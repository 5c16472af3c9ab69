"""Builds the demo data inside the package from the texts beside this script.

    python tools/demo/make_demo.py [--out DIR]

writes `RS_demo.ndjson.zst`, `pages.warc.gz`, `squad.jsonl`, `expected.json` and `eval/`, the same
bytes on every run with the same compressors (`expected.json` names them), and `docs/demo.md`.
"""

import argparse
import hashlib
import json
import sys
import zlib
from collections import Counter
from pathlib import Path

import brotli
import zstandard

sys.path.insert(0, str(Path(__file__).parent))

import archive
import guide
import items
import prose
import squad
from cases import Case, all_cases
from designs import BOILERPLATE
from submissions import QUIRKS, Post, line

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "webtext_py" / "demo"
GUIDE = HERE.parents[1] / "docs" / "demo.md"
DEFAULTS = {"min_karma": 3, "before": "2018", "karma_rule": "max"}


def build() -> dict[str, bytes]:
    """Every file's bytes by its name."""
    kept = prose.load(HERE / "pages")
    spare = prose.load(HERE / "spares")
    cases = all_cases(kept, spare)
    rows = _rows(cases)
    dump = b"".join(line(post) + b"\n" for post, _ in rows)
    files = {
        "RS_demo.ndjson.zst": _zstd(dump),
        "pages.warc.gz": _warc(cases),
        "squad.jsonl": squad.lines(kept, spare),
    }
    files["expected.json"] = _expected(cases, rows, kept, spare, files)
    return files | items.files(kept)


def build_guide(expected: bytes) -> bytes:
    """`docs/demo.md` for the given `expected.json`."""
    return guide.page(json.loads(expected)).encode()


def compressors() -> dict[str, str]:
    """The versions that the bytes of the compressed files depend on."""
    return {
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "zstd": ".".join(map(str, zstandard.ZSTD_VERSION)),
        "brotli": brotli.__version__,
    }


def _rows(cases: list[Case]) -> list[tuple[Post, Case]]:
    """All lines in the dump's order: by time, except that every tenth stands a little late."""
    rows = [(post, case) for case in cases for post in case.posts]
    rows.sort(key=lambda row: (row[0].created, row[0].id, row[1].name))
    for i in range(10, len(rows) - 3, 10):
        rows[i], rows[i + 2] = rows[i + 2], rows[i]
    return rows


def _zstd(data: bytes) -> bytes:
    # streaming, so that the frame has no content size, as in the real dumps
    writer = zstandard.ZstdCompressor(level=19, write_checksum=True).compressobj()
    return writer.compress(data) + writer.flush()


def _warc(cases: list[Case]) -> bytes:
    captures = [capture for case in cases for capture in case.captures]
    # captures lie in a fixed mixed order, so that redirects and revisits point both ways
    captures.sort(key=lambda c: hashlib.sha256(f"{c.url}|{c.date}".encode()).digest())
    members = [archive.warcinfo("2017-12-31T00:00:00Z")]
    for capture in captures:
        members.extend(archive.records(capture))
    return b"".join(members)


def _expected(
    cases: list[Case],
    rows: list[tuple[Post, Case]],
    kept: dict[str, prose.Prose],
    spare: dict[str, prose.Prose],
    files: dict[str, bytes],
) -> bytes:
    links = [_link(case, kept | spare) for case in cases]
    ends = Counter(f"{case.stage}/{case.outcome}" for case in cases)
    document = {
        "format": 1,
        "defaults": DEFAULTS,
        "compressors": compressors(),
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        },
        "counts": {
            "lines": len(rows),
            "lines_by_outcome": dict(sorted(Counter(post.outcome for post, _ in rows).items())),
            "links_by_end": dict(sorted(ends.items())),
            "kept_documents": ends["shards/kept"],
            "distinct_prose_documents": len(kept),
            "distinct_prose_words": sum(len(prose.words(p.text)) for p in kept.values()),
        },
        "never_in_a_text": BOILERPLATE,
        "lines": [_line(number, *row) for number, row in enumerate(rows, 1)],
        "links": links,
        "overlap": squad.expected(kept, spare),
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _line(number: int, post: Post, case: Case) -> dict[str, object]:
    return {
        "line": number,
        "id": None if {"cut", "not-json", "not-object"} & set(post.quirks) else post.id,
        "case": case.name,
        "shows": post.shows or "; ".join(QUIRKS[quirk] for quirk in post.quirks) or case.shows,
        "outcome": post.outcome,
    }


def _link(case: Case, texts: dict[str, prose.Prose]) -> dict[str, object]:
    counted = {post.id: post for post in case.posts if post.outcome == "kept"}.values()
    karma = [post.karma or 0 for post in sorted(counted, key=lambda post: post.created)]
    link: dict[str, object] = {
        "case": case.name,
        "shows": case.shows,
        "urls": sorted({post.url for post in case.posts if post.url is not None}),
        "final_url": case.final_url,
        "karma": {
            "max": max(karma, default=None),
            "sum": sum(karma) if karma else None,
            "first": karma[0] if karma else None,
        },
        "captures": len(case.captures),
        "stage": case.stage,
        "outcome": case.outcome,
        "under": case.under,
        "duplicate_of": case.duplicate_of,
        "text": case.text,
    }
    if case.text in texts:
        page = texts[case.text]
        link |= {
            "language": page.language,
            "words": len(prose.words(page.text)),
            "first_paragraph": page.paragraphs[0],
            "last_paragraph": page.paragraphs[-1],
        }
    return link


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    files = build()
    for name, data in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(data)
        print(f"{len(data):>9,} {name}")
    if out == OUT:
        GUIDE.write_bytes(build_guide(files["expected.json"]))


if __name__ == "__main__":
    main()
