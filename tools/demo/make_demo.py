"""Builds the demo data inside the package from the texts beside this script.

    python tools/demo/make_demo.py [--out DIR]

writes `RS_demo.ndjson.zst`, `pages.warc.gz`, `squad.jsonl` and `expected.json`, the same bytes on
every run with the same compressors (`expected.json` names them), and `docs/demo.md`.
"""

import argparse
import hashlib
import json
import sys
import zlib
from pathlib import Path

import brotli
import zstandard

sys.path.insert(0, str(Path(__file__).parent))

import archive
import cases as demo_cases
import guide
import prose
import squad
import submissions
from designs import BOILERPLATE

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "webtext_py" / "demo"
GUIDE = HERE.parents[1] / "docs" / "demo.md"
DEFAULTS = {"min_karma": 3, "before": "2018", "karma_rule": "max"}


def build() -> dict[str, bytes]:
    """Every file's bytes by its name."""
    kept = prose.load(HERE / "pages")
    spare = prose.load(HERE / "spares")
    cases = demo_cases.all_cases(kept, spare)
    rows = _rows(cases)
    dump = b"".join(submissions.line(post) + b"\n" for post, _ in rows)
    files = {
        "RS_demo.ndjson.zst": _zstd(dump),
        "pages.warc.gz": _warc(cases),
        "squad.jsonl": squad.lines(kept, spare),
    }
    files["expected.json"] = _expected(cases, rows, kept, spare, files)
    return files


def build_guide(expected: bytes) -> bytes:
    """`docs/demo.md` for the given `expected.json`."""
    return guide.page(json.loads(expected)).encode()


def compressors() -> dict[str, str]:
    """The versions that the bytes of the compressed files depend on."""
    return {
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "zstd": ".".join(map(str, zstandard.ZSTD_VERSION)),
        "brotli": brotli.version if hasattr(brotli, "version") else brotli.__version__,
    }


def _rows(cases: list[demo_cases.Case]) -> list[tuple[submissions.Post, demo_cases.Case]]:
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


def _warc(cases: list[demo_cases.Case]) -> bytes:
    captures = [capture for case in cases for capture in case.captures]
    # captures lie in a fixed mixed order, so that neither redirects nor revisits point backwards only
    captures.sort(key=lambda c: hashlib.sha256(f"{c.url}|{c.date}".encode()).digest())
    members = [archive.warcinfo("2017-12-31T00:00:00Z")]
    for capture in captures:
        members.extend(archive.records(capture))
    return b"".join(members)


def _karma(case: demo_cases.Case) -> dict[str, int | None]:
    counted: dict[str, submissions.Post] = {}
    for post in case.posts:
        if post.outcome == "kept":
            counted.setdefault(post.id, post)
    scores = [(p.created, p.karma or 0) for p in counted.values()]
    if not scores:
        return {"max": None, "sum": None, "first": None}
    return {
        "max": max(k for _, k in scores),
        "sum": sum(k for _, k in scores),
        "first": min(scores)[1],
    }


def _expected(
    cases: list[demo_cases.Case],
    rows: list[tuple[submissions.Post, demo_cases.Case]],
    kept: dict[str, prose.Prose],
    spare: dict[str, prose.Prose],
    files: dict[str, bytes],
) -> bytes:
    lines = [
        {
            "line": number,
            "id": None if {"cut", "not-json", "not-object"} & set(post.quirks) else post.id,
            "case": case.name,
            "shows": post.shows
            or "; ".join(submissions.QUIRKS[q] for q in post.quirks)
            or case.shows,
            "outcome": post.outcome,
        }
        for number, (post, case) in enumerate(rows, 1)
    ]
    links = [_link(case, kept, spare) for case in cases]
    kept_words = sum(len(prose.words(p.text)) for p in kept.values())
    by_outcome: dict[str, int] = {}
    for line in lines:
        by_outcome[line["outcome"]] = by_outcome.get(line["outcome"], 0) + 1
    ends: dict[str, int] = {}
    for link in links:
        key = f"{link['stage']}/{link['outcome']}"
        ends[key] = ends.get(key, 0) + 1
    document = {
        "format": 1,
        "defaults": DEFAULTS,
        "compressors": compressors(),
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        },
        "counts": {
            "lines": len(lines),
            "lines_by_outcome": dict(sorted(by_outcome.items())),
            "links_by_end": dict(sorted(ends.items())),
            "kept_documents": sum(link["outcome"] == "kept" for link in links),
            "distinct_prose_documents": len(kept),
            "distinct_prose_words": kept_words,
        },
        "never_in_a_text": list(BOILERPLATE),
        "lines": lines,
        "links": links,
        "overlap": squad.expected(kept, spare),
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def _link(
    case: demo_cases.Case, kept: dict[str, prose.Prose], spare: dict[str, prose.Prose]
) -> dict[str, object]:
    page = kept.get(case.text or "") or spare.get(case.text or "")
    link: dict[str, object] = {
        "case": case.name,
        "shows": case.shows,
        "urls": sorted({p.url for p in case.posts if p.url is not None}),
        "final_url": case.final_url,
        "karma": _karma(case),
        "captures": len(case.captures),
        "stage": case.stage,
        "outcome": case.outcome,
        "under": case.under,
        "duplicate_of": case.duplicate_of,
        "text": case.text,
    }
    if page is not None:
        link["language"] = page.language
        link["words"] = len(prose.words(page.text))
        link["first_paragraph"] = page.paragraphs[0]
        link["last_paragraph"] = page.paragraphs[-1]
    return link


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    files = build()
    for name, data in files.items():
        (out / name).write_bytes(data)
        print(f"{len(data):>9,} {name}")
    if out == OUT:
        GUIDE.write_bytes(build_guide(files["expected.json"]))


if __name__ == "__main__":
    main()
