"""URL keys and drop rules per second on one core, against parsers that do less.

    python benches/url_key.py --dump top2013.ndjson.zst [--record benches/record/url_key.json]

The dump is the derived `top2013.ndjson.zst` of the shared test data, or any dump in `.zst`. Each
URL appears once per round; URLs are made distinct between rounds by a parameter, so that no cache
of whole URLs could help; hosts repeat as they do in the dump. CPU seconds of this process; the
median of `--rounds`.
"""

import argparse
import hashlib
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from urllib.parse import urlsplit

import ada_url
import pyarrow as pa
import zstandard

from webtext_py.url.escape import html_unescape
from webtext_py.url.key import _SIMPLE, _key_of_any, url_key, url_keys
from webtext_py.url.rules import UrlRules


def read_urls(dump: Path) -> pa.Array:
    """The URLs of the dump's link posts, unescaped."""
    with dump.open("rb") as raw:
        stream = zstandard.ZstdDecompressor(max_window_size=1 << 31).stream_reader(raw)
        lines = (json.loads(line) for line in TextIOWrapper(stream, encoding="utf-8"))
        urls = [line["url"] for line in lines if line.get("url") and not line.get("is_self")]
    return html_unescape(pa.array(urls, pa.string()))


def rate(work: Callable[[list[str]], object], rounds: list[list[str]]) -> dict[str, float]:
    """URLs per CPU second: median, lowest and highest of the rounds."""
    rates = []
    for urls in rounds:
        start = time.process_time()
        work(urls)
        rates.append(len(urls) / (time.process_time() - start))
    return {
        "median": round(statistics.median(rates)),
        "lowest": round(min(rates)),
        "highest": round(max(rates)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()

    posted = read_urls(options.dump)
    plain = posted.to_pylist()
    rules = UrlRules.default()
    keys = url_keys(posted)
    if [_key_of_any(url) for url in plain] != keys.to_pylist() or url_keys(keys) != keys:
        sys.exit("the answers are wrong: nothing to time")

    def fresh(number: int) -> list[str]:
        return [
            url if "#" in url else f"{url}{'&' if '?' in url else '?'}n{number}={number}"
            for url in plain
        ]

    rounds = [fresh(number) for number in range(options.rounds)]
    columns = {id(urls): pa.array(urls) for urls in rounds}
    key_columns = {id(urls): url_keys(columns[id(urls)]) for urls in rounds}
    parser_rounds = [[url for url in urls if ada_url.check_url(url)] for urls in rounds]
    result = {
        "command": "python benches/url_key.py --dump " + options.dump.name,
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "machine": "AMD EPYC, 2 cores",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("ada-url", "pyarrow", "tldextract")},
        "input": {
            "name": options.dump.name,
            "sha256": hashlib.sha256(options.dump.read_bytes()).hexdigest(),
            "urls": len(plain),
            "hosts": len({urlsplit(key).netloc for key in keys.to_pylist() if key}),
            "simple": round(sum(_SIMPLE.fullmatch(u) is not None for u in plain) / len(plain), 4),
        },
        "rounds": options.rounds,
        "urls_per_cpu_second": {
            "url_keys": rate(lambda urls: url_keys(columns[id(urls)]), rounds),
            "url_key, a list": rate(lambda urls: [url_key(url) for url in urls], rounds),
            "the parser's way alone": rate(lambda urls: [_key_of_any(u) for u in urls], rounds),
            "reasons": rate(lambda urls: rules.reasons(key_columns[id(urls)]), rounds),
            "ada_url.normalize_url (no key)": rate(
                lambda urls: [ada_url.normalize_url(url) for url in urls], parser_rounds
            ),
            "urllib.parse.urlsplit (no key)": rate(
                lambda urls: [urlsplit(url) for url in urls], rounds
            ),
        },
    }
    text = json.dumps(result, indent=2) + "\n"
    sys.stdout.write(text)
    if options.record:
        options.record.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
