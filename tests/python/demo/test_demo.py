"""The demo data is what its builder makes, holds every case, and reads as natural prose."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard

from webtext_py import demo, words

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / "tools" / "demo"
FILES = (demo.submissions(), demo.pages(), demo.test_set(), demo.expected())


@pytest.fixture(scope="module")
def expected() -> Any:
    return json.loads(demo.expected().read_bytes())


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(demo.submissions().read_bytes())
    assert raw.endswith(b"\n")
    return raw[:-1].split(b"\n")


@pytest.fixture(scope="module")
def rows(lines: list[bytes]) -> list[dict[str, Any]]:
    """The lines that are JSON objects once leading NUL bytes are off."""
    out = []
    for line in lines:
        try:
            row = json.loads(line.lstrip(b"\0"))
        except ValueError:
            continue
        if isinstance(row, dict):
            out.append(row)
    return out


@pytest.fixture(scope="module")
def prose() -> dict[str, str]:
    """Body of each source text of a kept page by its name: the header is off."""
    return {
        path.stem: path.read_text(encoding="utf-8").split("\n\n", 1)[1]
        for path in sorted((TOOLS / "pages").glob("*.txt"))
    }


def members(data: bytes) -> list[tuple[bytes | None, bytes]]:
    """Each gzip member's content (None where it is damaged) and its raw bytes.

    A member begins where gzip's magic with our header (no name, no time) stands.
    """
    starts = [m.start() for m in re.finditer(rb"\x1f\x8b\x08\x00\x00\x00\x00\x00.\xff", data, re.S)]
    out: list[tuple[bytes | None, bytes]] = []
    for begin, end in zip(starts, [*starts[1:], len(data)], strict=True):
        raw = data[begin:end]
        unpack = zlib.decompressobj(31)
        try:
            content = unpack.decompress(raw) + unpack.flush()
        except zlib.error:
            out.append((None, raw))
            continue
        assert unpack.eof
        assert unpack.unused_data == b""
        out.append((content, raw))
    assert starts[0] == 0
    return out


def headers(record: bytes) -> dict[str, str]:
    head = record.split(b"\r\n\r\n", 1)[0].decode().split("\r\n")
    assert head[0] == "WARC/1.1"
    return dict(line.split(": ", 1) for line in head[1:])


def test_builder_makes_the_committed_files(tmp_path: Path, expected: Any) -> None:
    for seed in ("1", "2"):
        out = tmp_path / seed
        subprocess.run(
            [sys.executable, "-P", TOOLS / "make_demo.py", "--out", out],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(p for p in sys.path if p)},
        )
    for file in FILES:
        made = (tmp_path / "1" / file.name).read_bytes()
        assert made == (tmp_path / "2" / file.name).read_bytes()
    assert (tmp_path / "1" / "squad.jsonl").read_bytes() == demo.test_set().read_bytes()
    fresh = json.loads((tmp_path / "1" / "expected.json").read_bytes())
    skipped = {"compressors", "files"}
    assert {k: v for k, v in fresh.items() if k not in skipped} == {
        k: v for k, v in expected.items() if k not in skipped
    }
    unpack = zstandard.ZstdDecompressor()
    assert unpack.decompressobj().decompress(
        (tmp_path / "1" / "RS_demo.ndjson.zst").read_bytes()
    ) == unpack.decompressobj().decompress(demo.submissions().read_bytes())
    if fresh["compressors"] == expected["compressors"]:
        for file in FILES:
            assert (tmp_path / "1" / file.name).read_bytes() == file.read_bytes(), file.name
    else:
        # Other compressors give other bytes; what they hold must be the same, except bodies
        # that were themselves compressed (and their lengths and digests).
        ours = members((tmp_path / "1" / "pages.warc.gz").read_bytes())
        theirs = members(demo.pages().read_bytes())
        assert len(ours) == len(theirs)
        for (one, _), (other, _) in zip(ours, theirs, strict=True):
            if one is not None and other is not None and b"Content-Encoding" not in one:
                assert one == other


def test_guide_is_current(expected: Any) -> None:
    code = (
        "import sys, make_demo;"
        "sys.stdout.buffer.write(make_demo.build_guide(sys.stdin.buffer.read()))"
    )
    made = subprocess.run(
        [sys.executable, "-P", "-c", code],
        check=True,
        capture_output=True,
        input=demo.expected().read_bytes(),
        env={"PYTHONPATH": ":".join([str(TOOLS), *(p for p in sys.path if p)])},
    ).stdout
    assert made == (ROOT / "docs" / "demo.md").read_bytes()


def test_sizes_and_digests(expected: Any) -> None:
    assert (
        sum(path.stat().st_size for path in demo.expected().parent.iterdir() if path.is_file())
        < 1_000_000
    )
    for name, facts in expected["files"].items():
        data = (demo.expected().parent / name).read_bytes()
        assert len(data) == facts["bytes"]
        assert hashlib.sha256(data).hexdigest() == facts["sha256"]


def test_enough_natural_prose(expected: Any, prose: dict[str, str]) -> None:
    counts = {name: len(words.normalize(text).split()) for name, text in prose.items()}
    english = sum(n for name, n in counts.items() if name != "61-ame-no-hi")
    assert english >= 25_000
    assert expected["counts"]["distinct_prose_words"] >= 25_000
    assert len(prose) >= 62
    assert expected["counts"]["kept_documents"] >= 62
    assert english / len(prose) >= 390
    # No paragraph twice, and hardly a run of eight words: nobody filled in a template.
    paragraphs = Counter(p for text in prose.values() for p in text.split("\n\n"))
    assert max(paragraphs.values()) == 1
    grams: Counter[tuple[str, ...]] = Counter()
    for text in prose.values():
        found = words.normalize(text).split()
        grams.update(tuple(found[i : i + 8]) for i in range(len(found) - 7))
    repeated = sum(n - 1 for n in grams.values())
    assert repeated / grams.total() < 0.002
    # Rich enough for a vocabulary: a template would have few words of its own.
    assert len({w for text in prose.values() for w in words.normalize(text).split()}) > 4000


def test_lines_have_every_quirk(lines: list[bytes], rows: list[dict[str, Any]]) -> None:
    assert 200 <= len(lines) <= 999
    kinds = Counter(type(r.get("created_utc")).__name__ for r in rows)
    assert min(kinds["int"], kinds["str"], kinds["float"]) >= 3
    assert any("score" in r and r["score"] is None for r in rows)
    assert any("&amp;" in (r.get("url") or "") for r in rows)
    assert any(
        "?" in (r.get("url") or "") and "&" in r["url"] and "&amp;" not in r["url"] for r in rows
    )
    assert any(b"\\/" in line for line in lines)
    assert any(b"http://" in line for line in lines)
    assert any(b"\\u0000" in line for line in lines)
    assert any(line.startswith(b"\0" * 64 + b"{") for line in lines)
    assert any(
        r.get("promoted") and not {"author", "subreddit", "subreddit_id"} & set(r) for r in rows
    )
    assert any("url" in r and r["url"] is None and r["domain"] is None for r in rows)
    assert any("url" not in r and r.get("kind") != "t3" for r in rows)
    assert any(r.get("url") == "" for r in rows)
    assert any(r.get("kind") == "t3" and "url" in r["data"] for r in rows)
    assert any(r.get("is_self") is False and r.get("domain") == "self.reddit.com" for r in rows)
    assert sum(bool(r.get("is_self")) for r in rows) >= 20
    assert any(r.get("over_18") for r in rows)
    assert any(r.get("selftext") == "[removed]" and not r["is_self"] for r in rows)
    assert any(r.get("selftext") == "[deleted]" for r in rows)
    assert len(lines) - len(rows) >= 3  # a cut line, HTML, an array
    ids = Counter(r["id"] for r in rows if "id" in r)
    assert [n for n in ids.values() if n > 1] == [2]
    parents = [
        list(r).index("crosspost_parent_list") - list(r).index("url")
        for r in rows
        if "crosspost_parent_list" in r
    ]
    assert min(parents) < 0 < max(parents)
    assert len({tuple(r) == tuple(sorted(r)) for r in rows}) == 2
    times = [int(r["created_utc"]) for r in rows if "created_utc" in r]
    assert times != sorted(times)
    assert 1514764799 in times
    assert 1514764800 in times


def test_every_rule_has_a_case(expected: Any) -> None:
    ends = {(link["stage"], link["outcome"]) for link in expected["links"]}
    assert ends == {
        ("lines", "advertisement"),
        ("lines", "damaged"),
        ("lines", "no_karma"),
        ("lines", "no_url"),
        ("lines", "not_http"),
        ("lines", "over_18"),
        ("lines", "self_post"),
        ("lines", "too_late"),
        ("links", "low_karma"),
        ("links", "media_file"),
        ("links", "media_host"),
        ("links", "not_html_file"),
        ("links", "self_link"),
        ("links", "shortener"),
        ("links", "wikipedia_host"),
        ("pages", "http_error"),
        ("pages", "no_capture"),
        ("pages", "not_html"),
        ("pages", "redirect_loop"),
        ("pages", "redirect_target_missing"),
        ("extract", "bot_wall"),
        ("extract", "empty"),
        ("extract", "soft_error"),
        ("extract", "too_short"),
        ("dedup", "exact_duplicate"),
        ("dedup", "near_duplicate"),
        ("wikipedia", "wikipedia_host"),
        ("shards", "kept"),
    }
    assert {option.split()[0] for link in expected["links"] for option in link["under"]} == {
        "before",
        "karma-rule",
        "min-karma",
        "near-dup",
        "nsfw",
        "wikipedia",
    }
    assert sum(len(link["urls"]) > 1 for link in expected["links"]) >= 10


def test_archive_has_every_case(expected: Any) -> None:
    found = members(demo.pages().read_bytes())
    damaged = [raw for content, raw in found if content is None]
    assert len(damaged) == 2
    assert found[0][0] is not None
    assert found[-1][0] is not None
    whole = [content for content, _ in found if content is not None]
    heads = [headers(record) for record in whole]
    kinds = Counter(h["WARC-Type"] for h in heads)
    assert kinds["warcinfo"] == 1
    assert kinds["revisit"] == 2
    assert kinds["request"] >= 5
    assert kinds["response"] + kinds["revisit"] + len(damaged) == sum(
        link["captures"] for link in expected["links"]
    )
    assert len({h["WARC-Record-ID"] for h in heads}) == len(heads)
    for head, record in zip(heads, whole, strict=True):
        block = record.split(b"\r\n\r\n", 1)[1]
        assert block.endswith(b"\r\n\r\n")
        block = block[:-4]
        assert int(head["Content-Length"]) == len(block)
        digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
        assert head["WARC-Block-Digest"] == f"sha1:{digest}"
    text = b"".join(whole)
    for said in (b"gzip", b"br", b"deflate", b"zstd"):
        assert b"Content-Encoding: " + said + b"\r\n" in text
    assert text.count(b"Transfer-Encoding: chunked") == 3
    assert b"Content-Type: application/pdf" in text
    assert b"Content-Type: application/json" in text
    assert b"charset=Shift_JIS" in text
    assert b"\xff\xfe<\x00!\x00" in text
    statuses = Counter(re.findall(rb"\r\n\r\nHTTP/1\.1 (\d+)", text))
    assert {b"200", b"301", b"302", b"404", b"500"} == set(statuses)
    captured = {h["WARC-Target-URI"] for h in heads if h["WARC-Type"] in ("response", "revisit")}
    twice = Counter(h["WARC-Target-URI"] for h in heads if h["WARC-Type"] == "response")
    assert max(twice.values()) == 2
    assert len(captured) >= 90


def test_test_set(expected: Any) -> None:
    examples = [json.loads(line) for line in demo.test_set().read_text("utf-8").splitlines()]
    assert len(examples) >= 40
    assert len({e["id"] for e in examples}) == len(examples)
    for example in examples:
        assert list(example) == ["id", "title", "context", "question", "answers"]
        for text, start in zip(
            example["answers"]["text"], example["answers"]["answer_start"], strict=True
        ):
            assert example["context"][start : start + len(text)] == text
    answers = expected["overlap"]["examples"]
    assert [e["id"] for e in examples] == [a["id"] for a in answers]
    planted = Counter(a["planted"] for a in answers)
    assert min(planted["whole paragraph"], planted["one sentence"], planted["nothing"]) >= 10
    assert planted["too short"] >= 5
    for answer in answers:
        share = answer["found"] / answer["total"] if answer["total"] else None
        match answer["planted"]:
            case "whole paragraph" | "whole paragraph in capitals without punctuation":
                assert share == 1.0
            case "one sentence":
                assert share is not None
                assert share < 1.0
            case "too short":
                assert share is None
            case _:
                assert share == 0.0
    assert any(a["distinct"] < a["total"] for a in answers)


def test_overlap_counts_by_the_package_normaliser(expected: Any, prose: dict[str, str]) -> None:
    """`expected.json` counts with a regular expression; the core's normaliser agrees."""

    def grams(text: str) -> list[tuple[str, ...]]:
        found = words.normalize(text).split()
        return [tuple(found[i : i + 8]) for i in range(len(found) - 7)]

    train: set[tuple[str, ...]] = set()
    for text in prose.values():
        train.update(grams(re.sub(r"^(## |```$|- )", "", text, flags=re.M)))
    examples = [json.loads(line) for line in demo.test_set().read_text("utf-8").splitlines()]
    for example, answer in zip(examples, expected["overlap"]["examples"], strict=True):
        own = grams(example["context"])
        assert len(own) == answer["total"]
        assert len(set(own)) == answer["distinct"]
        assert sum(gram in train for gram in own) == answer["found"]
        assert len(set(own) & train) == answer["distinct_found"]
