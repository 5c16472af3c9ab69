"""The report as a stage: the same for any number of workers, and made again for what is new."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py import demo
from webtext_py.config import BuildConfig
from webtext_py.engine import LocalEngine
from webtext_py.engine.commit import write_json
from webtext_py.errors import InputError
from webtext_py.overlap import OverlapConfig, overlap
from webtext_py.pipeline import Build, Sources
from webtext_py.report import report
from webtext_py.report.figures import digest
from webtext_py.stage import Stage
from webtext_py.verify import verify
from webtext_py.workspace import Steps, Workspace

from .conftest import Page


def without_cost(path: Path) -> str:
    """A page without its marked block."""
    page, blocks = re.subn(
        "<!-- cost: begins -->.*<!-- cost: ends -->", "", path.read_text(), flags=re.DOTALL
    )
    assert blocks == 1
    return page


def test_the_same_for_any_number_of_workers(reported: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(reported, tmp_path / "data"))
    with Workspace(data) as workspace:
        workspace.forget("report")
    made = report(data, engine=LocalEngine(2))
    one = json.loads((reported / "report/report.json").read_bytes())
    assert {**made, "cost": None} == {**one, "cost": None}
    assert made["digest"] == digest(made) == one["digest"]
    page = without_cost(data / "report/index.html")
    assert page == without_cost(reported / "report/index.html")
    assert "peak memory" not in page


def test_cost_is_the_manifests(reported: Path, page: Page) -> None:
    stages = json.loads((reported / "manifest.json").read_bytes())["stages"]
    shown = {row[0]: float(row[1].replace(",", "")) for row in page.tables["cost-stages"]}
    assert shown == {n: round(s["seconds"], 2) for n, s in stages.items() if n != "report"}


def test_it_stands_until_something_else_was_made(reported: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(reported, tmp_path / "data"))
    path = data / "report" / "index.html"
    path.with_name("own.txt").touch()
    before = path.stat().st_mtime_ns
    report(data)
    assert path.stat().st_mtime_ns == before
    assert not verify(data).problems
    lines = demo.test_set().read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "other.jsonl").write_text("".join(lines[:5]), encoding="utf-8")
    overlap(data, OverlapConfig(test=(str(tmp_path / "other.jsonl"),)))
    assert [row["test"] for row in report(data)["overlap"]] == ["other", "squad"]


def test_what_was_made_from_other_shards_is_left_out(reported: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(reported, tmp_path / "data"))
    Build(data, Sources(), BuildConfig(near_dup=None)).run(LocalEngine(1), force=True)
    made = report(data)
    assert made["tokens"] is None
    assert made["overlap"] == []
    assert made["duplicates"]["near"] == 0
    assert "tokens" not in {row["stage"] for row in made["cost"]}
    assert Page(data / "report" / "index.html").tables.keys() >= {"funnel", "cost-stages"}


def test_a_published_list_beside_ours(reported: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(reported, tmp_path / "data"))
    top = json.loads((data / "report/report.json").read_bytes())["domains"]["top"]
    names = [row["key"] for row in top if row["documents"]]
    (tmp_path / "list.txt").write_text("nowhere.example 9\n" + f"{names[1]} 7\n{names[0]} 5\n")
    made = report(data, domains=tmp_path / "list.txt")["published_list"]
    ranks = [1 + sum(o["documents"] > row["documents"] for o in top) for row in top[:2]]
    held = [row["documents"] for row in top[:2]]
    assert (made["names"], made["found"], made["documents"]) == (3, 2, sum(held))
    assert [(r["name"], r["rank"], r["documents"]) for r in made["rows"]] == [
        ("nowhere.example", None, 0), (names[1], ranks[1], held[1]), (names[0], ranks[0], held[0]),
    ]  # fmt: skip
    shown = Page(data / "report" / "index.html").tables["published-list"]
    assert [row[1] for row in shown] == ["nowhere.example", names[1], names[0]]


def test_it_needs_no_extra() -> None:
    heavy = ("torch", "transformers", "matplotlib", "sacrebleu", "rouge_score", "ray")
    code = f"import sys, webtext_py.report; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert done.stdout.decode() == "[]\n"


class Scores(Stage):
    """What `webtext eval` leaves, of one task."""

    name = "eval/nano"
    rules = 1
    document: ClassVar[dict[str, Any]] = {
        "intervals": {
            "lambada": {"acc": {"value": 0.5, "items": 1234, "interval_95": [0.4, 0.6]}},
        },
        "published": {"lambada": {"acc": {"figures": {"GPT-2 117M": 0.4599}, "reason": None}}},
    }

    def body(self, steps: Steps) -> dict[str, Any]:
        path = steps.data / "eval" / "nano.json"
        write_json(path, self.document)
        steps.keep([path])
        return {}


def test_scores_are_shown_where_there_are_some(reported: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(reported, tmp_path / "data"))
    with Workspace(data) as workspace:
        workspace.run(Scores())
    [row] = report(data)["evaluation"]
    assert (row["name"], row["page"]) == ("nano", "eval/nano.html")
    page = Page(data / "report" / "index.html")
    assert page.tables["scores-0"][0][:5] == [
        "lambada",
        "acc",
        "50.00 %",
        "40.00 to 60.00 %",
        "1,234",
    ]
    assert "45.99 %" in page.tables["scores-0"][0]


def test_without_a_build_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        report(tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert "no finished shards" in str(error.value)
    assert error.value.hint is not None
    assert error.value.hint.startswith("run `webtext build` first")


TAGS = (
    "html head meta title style script body header nav main section footer h1 h2 h3 p a code dl dt "
    "dd div span strong table caption thead tbody tr th td figure figcaption svg g rect line text "
    "details summary article bdi br mark"
)
EVIL = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">',
    "</style><svg onload=alert(1)>",
    "<!-- cost: ends --><base href=//evil.example>",
    "\u202e\u2066 &lt;b&gt; \x00\ufeff",
]


def test_hostile_text_stays_text(tmp_path: Path, browser: Any) -> None:
    """Texts, titles, subreddits and URLs full of markup."""
    rows, pages = [], []
    for number, evil in enumerate(EVIL * 3):
        url = f"http://evil{number}.example/{number}?{evil}"
        rows.append({"url": url, "karma": 5, "created_utc": 1400000000 + number,
                     "subreddit": evil, "submission_id": f"s{number}"})  # fmt: skip
        text = evil.replace("&", "&amp;").replace("<", "&lt;")
        words = " ".join(f"word{n * (number // 2)}" for n in range(80))  # two of each nearly equal
        body = f"<p>{text} {words}. {text}</p>"
        pages.append({"url": url, "html": f"<title>{text} {number}</title><body>{body}</body>"})
    (tmp_path / "links.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(pages), tmp_path / "pages.parquet")
    data = tmp_path / "data"
    given = Sources(links=tmp_path / "links.jsonl", pages=(str(tmp_path / "pages.parquet"),))
    Build(data, given, BuildConfig(near_dup=0.8)).run(LocalEngine(1))
    made = report(data)
    assert made["documents"] > 5
    path = data / "report" / "index.html"
    page = Page(path)
    held = {element.tag for element in page.tree.iter() if isinstance(element.tag, str)}
    assert held <= set(TAGS.split())
    for element in page.tree.iter():
        names = element.attrib
        assert not any(name.startswith("on") or name in ("src", "style") for name in names)
    assert page.html.count("<!-- cost: ends -->") == 1
    assert EVIL[0] in page.tree.text_content()
    browser.open(path)
    assert browser.complaints() == []
    assert browser.requests() == [path.resolve().as_uri()]
