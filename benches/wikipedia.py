"""Wikipedia by content on real articles: shares of 8-grams of copies, quotes and other pages.

    python benches/wikipedia.py DATA [--dump FILE.xml.bz2 --later FILE.xml.bz2]
        [--out benches/record/wikipedia.json]

DATA has `squad/dev-v1.1.json` (paragraphs of 48 articles), `overlap/wikitext-2-raw/wiki.test.raw`
(whole articles) and `html/` (gold texts of web pages). The articles are written as a multistream
dump and read back. Documents are made of them as in `tests/python/wikipedia`, with real pages as
the surroundings; the pages themselves must stay. Records the shares' quantiles by kind, and recall
and precision by `--wikipedia-share`. With a real dump, copies of its articles as well
(`wikipedia_copies.py`), and what a later dump has of them; the record's are the two English dumps
that the package gensim 4.4.0 has for its tests.
"""

import argparse
import bz2
import json
import os
import platform
import random
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import wikipedia_copies

from webtext_py import _core
from webtext_py.stages.wikipedia import content

COPIES = ("whole", "first quarter", "wrapped", "every 20th word changed")
SHARES = [x / 20 for x in range(2, 20)]


def articles(data: Path) -> dict[str, list[str]]:
    """Paragraphs by title."""
    squad = json.loads((data / "squad" / "dev-v1.1.json").read_text())["data"]
    found = {f"{a['title']}": [p["context"] for p in a["paragraphs"]] for a in squad}
    title = ""
    for line in (data / "overlap/wikitext-2-raw/wiki.test.raw").read_text().split("\n"):
        if line.startswith(" = ") and not line.startswith(" = ="):
            title = line.strip(" =")
            found[title] = []
        elif line.strip() and not line.startswith(" = ") and title:
            found[title].append(line.strip())
    return {title: paragraphs for title, paragraphs in found.items() if len(paragraphs) >= 4}


def pages(data: Path) -> list[str]:
    """Gold texts of web pages of 150 words or more."""
    folder = data / "html" / "article-extraction-benchmark"
    gold = json.loads(next(folder.rglob("ground-truth.json*")).read_text())
    texts = [page["articleBody"] for _, page in sorted(gold.items())]
    return [text for text in texts if len(text.split()) >= 150]


def dump(found: dict[str, list[str]], path: Path) -> None:
    """A multistream dump of the articles, ten a stream, with markup."""
    made = [
        f"<page><title>{escape(title)}</title><ns>0</ns><revision><text>{{{{Infobox|a=b}}}}"
        + escape("\n\n".join(paragraphs) + "<ref>A source</ref>\n[[Category:All]]")
        + "</text></revision></page>"
        for title, paragraphs in found.items()
    ]
    streams = ["<mediawiki>", *("\n".join(made[i : i + 10]) for i in range(0, len(made), 10))]
    path.write_bytes(b"".join(bz2.compress(s.encode()) for s in [*streams, "</mediawiki>"]))


def documents(found: dict[str, list[str]], others: list[str]) -> list[tuple[str, str, str]]:
    """Kind, title copied or nothing, text."""
    draw = random.Random(1)
    made = [("other page", "", text) for text in others]
    for title, paragraphs in found.items():
        words = " ".join(paragraphs).split()
        page = draw.choice(others)
        own = page.split()
        edited = [f"edit{i}" if i % 20 == 0 else word for i, word in enumerate(words)]
        longest = [p for p in paragraphs if 60 <= len(p.split()) <= 200] or paragraphs[:1]
        wrapped = " ".join([*own[:120], *words, *own[-120:]])
        half = len(own) // 2
        quote = draw.choice(longest)
        made += [
            ("whole", title, " ".join(words)),
            ("first quarter", title, " ".join(words[: len(words) // 4])),
            ("wrapped", title, wrapped),
            ("every 20th word changed", title, " ".join(edited)),
            ("quote in a page", "", " ".join([*own[:half], quote, *own[half:]])),
        ]
    return made


def measure(data: Path, work: Path) -> dict[str, Any]:
    """Shares by kind and the rates by threshold."""
    found, others = articles(data), pages(data)
    path, texts, index = work / "a.xml.bz2", work / "a.parquet", work / "a.bloom"
    dump(found, path)
    before = time.process_time()
    read = content.articles([path], [texts])
    spent = time.process_time() - before
    assert read["articles"] == len(found), read
    content.index([texts], [index], memory=256 << 20)
    made = documents(found, others)
    column = pa.array([text for _, _, text in made], pa.large_string())
    shares = content.shares_of(_core.NgramIndex(index), column)
    kinds = np.array([kind for kind, _, _ in made])
    copied = np.array([bool(title) for _, title, _ in made])
    record: dict[str, Any] = {
        "articles": len(found),
        "article_bytes": sum(len(" ".join(p)) for p in found.values()),
        "reading_mb_per_cpu_second": round(path.stat().st_size / 1e6 / spent, 2),
        "documents": len(made),
        "shares": {
            kind: {
                "documents": int((kinds == kind).sum()),
                **{
                    name: round(float(np.quantile(shares[kinds == kind], q)), 3)
                    for name, q in (("least", 0), ("5%", 0.05), ("median", 0.5), ("95%", 0.95))
                },
                "most": round(float(shares[kinds == kind].max()), 3),
            }
            for kind in dict.fromkeys(kinds.tolist())
        },
    }
    record["thresholds"] = []
    for share in SHARES:
        gone = shares >= share
        record["thresholds"].append(
            {
                "share": share,
                "recall": round(float(gone[copied].mean()), 4),
                "precision": round(float(copied[gone].mean()), 4) if gone.any() else None,
                **{
                    f"dropped: {k}": round(float(gone[kinds == k].mean()), 4)
                    for k in record["shares"]
                },
            }
        )
    return record


def main() -> None:
    """Measures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--later", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        record = {
            "command": "python benches/wikipedia.py DATA --dump FILE --later FILE",
            "commit": subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip(),
            "machine": f"AMD EPYC, {os.cpu_count()} cores, Python {platform.python_version()}",
            **measure(options.data, Path(folder)),
        }
        if options.dump:
            record["copies"] = wikipedia_copies.measure(options.dump, options.later, Path(folder))
    print(json.dumps(record, indent=1))
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
