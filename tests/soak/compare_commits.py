"""Two commits give the same data sets: links, shards, vocabulary, tokens and overlap reports.

    python tests/soak/compare_commits.py OLD NEW [--shared ../shared/data]

Builds a wheel of each commit into an environment of its own (beside the packages of the one that
runs this), runs the same commands with both, on the demo and, with `--shared`, on real dumps,
archives and labelled pages, and compares every file. Exit 1 where one differs. What a commit
changes on purpose (another stage's rules) is named with `--except PATTERN`.
"""

import argparse
import fnmatch
import hashlib
import os
import site
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDERS = ("links", "shards", "tokenizer", "tokens", "overlap")
ROOT = Path(__file__).resolve().parents[2]


def install(commit: str, work: Path) -> Path:
    """An environment with the commit's wheel; returns its `webtext`."""
    tree, home = work / f"tree-{commit}", work / f"env-{commit}"
    subprocess.check_call(["git", "-C", ROOT, "worktree", "add", "-q", "--detach", tree, commit])
    try:
        subprocess.check_call([sys.executable, "-m", "venv", home])
        packages = next((home / "lib").glob("python3*/site-packages"))
        (packages / "others.pth").write_text("\n".join(site.getsitepackages()) + "\n")
        pip = [
            home / "bin" / "pip",
            "install",
            "-q",
            "--ignore-installed",
            "--no-deps",
            "--no-index",
        ]
        wheels = work / f"wheel-{commit}"
        subprocess.check_call(
            [home / "bin" / "pip", "wheel", "-q", "--no-deps", "-w", wheels, tree]
        )
        subprocess.check_call([*pip, "--find-links", wheels, "webtext"])
    finally:
        subprocess.check_call(["git", "-C", ROOT, "worktree", "remove", "--force", tree])
    return home / "bin" / "webtext"


def run(webtext: Path, folder: Path, build: list[str]) -> dict[str, str]:
    """Digests of what the commands leave in `folder`."""
    folder.mkdir(parents=True)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for command in (
        ["build", *build],
        ["bpe", "train", "--vocab-size", "4000"],
        ["overlap", "--test", "squad.jsonl"],
        ["bpe", "encode"],
    ):
        call = [webtext, *command, *(["--quiet"] if command[0] != "overlap" else ["--json"])]
        subprocess.run(call, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=environment)
    data = folder / "webtext-data"
    return {
        str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
        for name in FOLDERS
        for path in sorted((data / name).rglob("*"))
        if path.is_file()
    }


def real_build(shared: Path, work: Path) -> list[str]:
    """Options of a build of real dump lines that point at real pages."""
    for folder in ("pipeline", "text"):
        sys.path.append(str(ROOT / "tests" / "python" / folder))
    import real_input
    from labelled_pages import article_benchmark, snippet_benchmark

    html = shared / "html"
    pages = [
        (real_input.usable(p.url), p.body)
        for p in (*article_benchmark(html), *snippet_benchmark(html))
    ]
    (work / "input").mkdir()
    made = real_input.make(shared, work / "input", pages)
    return ["--submissions", *map(str, made.dumps), "--pages", *map(str, made.pages)]


def main() -> int:
    """0 where all files are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--shared", type=Path)
    parser.add_argument("--except", dest="changed", action="append", default=[], metavar="PATTERN")
    options = parser.parse_args()
    builds: dict[str, list[str]] = {"demo": []}
    different = 0
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        if options.shared is not None:
            builds["real"] = real_build(options.shared.resolve(), work)
        commands = {commit: install(commit, work) for commit in (options.old, options.new)}
        for name, build in builds.items():
            old, new = (run(c, work / f"{name}-{k}", build) for k, c in commands.items())
            for file in sorted(old.keys() | new.keys()):
                if any(fnmatch.fnmatch(file, pattern) for pattern in options.changed):
                    continue
                if old.get(file) != new.get(file):
                    different += 1
                    print(f"{name}: {file} differs")
            print(f"{name}: {len(old)} files compared")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
