"""Common Crawl: a join with the columnar index, local or remote, and single records by Range."""

import asyncio
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext_py.errors import InputError
from webtext_py.fetch.client import Client
from webtext_py.fetch.commoncrawl import CommonCrawl, index_files, look_up, mirrored
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.connector import HostsFile
from webtext_py.fetch.live import Fetched
from webtext_py.fetch.pace import Pace
from webtext_py.fetch.run import NAMES
from webtext_py.fetch.surt import surt_key

from .archives import files, write_crawl
from .fetching import LIMITS, LOOPBACK
from .server import Request, Server, answer, page, redirect
from .test_build import shards
from .test_wayback import PARKED, link
from .worlds import article, command, run, write_links


def key(url: str) -> str:
    """The SURT key."""
    found = surt_key(url)
    assert found is not None
    return found


def crawls(folder: Path) -> list[str]:
    """Two crawls; the links below were posted on 2015-06-01."""

    def rows(*captures: tuple[str, str, bytes]) -> list[tuple[str, str, str, bytes]]:
        return [(key(url), url, date, body) for url, date, body in captures]

    write_crawl(
        folder,
        rows(
            *[(f"http://filler.test/{n}", "2015-05-01T00:00:00Z", page("F")) for n in range(20)],
            ("http://old.test/story", "2015-03-01T00:00:00Z", page("The older crawl")),
            ("http://old.test/far", "2012-03-01T00:00:00Z", page("Too far away")),
            ("http://old.test/CASE", "2015-06-01T00:00:00Z", page("Another page")),
        ),
        "crawl-a",
    )
    write_crawl(
        folder,
        rows(
            ("https://www.old.test/story", "2015-05-20T00:00:00Z", page("The nearest crawl")),
            ("http://old.test/story", "2015-06-01T12:00:00Z", PARKED),
        ),
        "crawl-b",
    )
    return [str(folder / "crawl-a.parquet"), str(folder / "crawl-b.parquet")]


def ask(
    folder: Path, index: list[str], *urls: str, data: str = "{base}"
) -> tuple[list[Fetched], list[bytes], Server]:
    """What a CommonCrawl over the crawls in `folder` gives; `{base}` in an index is the server."""
    found: list[Fetched] = []
    kept: list[bytes] = []

    async def done(link: object, result: Fetched) -> None:
        found.append(result)
        kept.extend(result.members or [])

    async def go(port: int) -> None:
        names = HostsFile({"data.test": "127.0.0.1"})
        base = f"http://data.test:{port}"
        async with Client("webtext-test", LOOPBACK, names, LIMITS, any_port=True) as client:
            pace = Pace(client, 60000, lambda text: None)
            paths = tuple(path.format(base=base) for path in index)
            config = FetchConfig(cc_index=paths, cc_data=data.format(base=base), limits=LIMITS)
            links = [link(url) for url in urls]
            await CommonCrawl(pace, config).run([(NAMES["commoncrawl"](k), k) for k in links], done)

    with Server(files(folder)) as server:  # type: ignore[arg-type]
        asyncio.run(go(server.port))
    return found, kept, server


LINKS = ("http://old.test/story", "http://old.test/far", "http://old.test/case", "http://no.test/")


@pytest.mark.parametrize("remote", [False, True])
def test_the_nearest_good_record_of_several_crawls(tmp_path: Path, remote: bool) -> None:
    index = crawls(tmp_path)
    if remote:
        index = ["{base}/crawl-a.parquet", "{base}/crawl-b.parquet"]
    found, kept, server = ask(tmp_path, index, *LINKS)
    assert [f.outcome for f in found] == ["good", "no_capture", "no_capture", "no_capture"]
    assert found[0].final_url == "https://www.old.test/story"
    assert found[0].fetched_at == "2015-05-20T00:00:00Z"
    # The member is the crawl's own, byte for byte, and nothing but two records was asked for.
    assert len(kept) == 1
    assert kept[0] in (tmp_path / "crawl-b.warc.gz").read_bytes()
    asked = [r for r in server.requests if r.target.endswith(".warc.gz")]
    assert len(asked) == 2  # the parked one is nearer


def test_the_join_reads_only_row_groups_that_can_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = crawls(tmp_path)
    keys = [key("http://old.test/story")]
    read: list[int] = []
    real = pq.ParquetFile.read_row_group

    def counted(self: pq.ParquetFile, group: int, columns: list[str]) -> pa.Table:
        read.append(group)
        return real(self, group, columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", counted)
    assert len(list(look_up(index[0], keys))) == 1
    assert pq.ParquetFile(index[0]).num_row_groups == 6
    assert len(read) == 1
    # A slow twin: the whole table, row by row.
    rows = pq.read_table(index[0]).to_pylist()
    assert [r["url"] for r in rows if r["url_surtkey"] in keys] == ["http://old.test/story"]


@pytest.mark.parametrize("damage", ["cut", "other", "gone"])
def test_a_damaged_record_costs_itself(tmp_path: Path, damage: str) -> None:
    index = crawls(tmp_path)
    target = tmp_path / "crawl-b.warc.gz"
    data = target.read_bytes()
    if damage == "gone":
        target.unlink()
    elif damage == "cut":
        target.write_bytes(data[:100])
    else:
        target.write_bytes(bytes(len(data)))
    found, kept, _ = ask(tmp_path, index, LINKS[0])
    assert found[0].outcome == "good"  # the older crawl has it too
    assert found[0].fetched_at == "2015-03-01T00:00:00Z"
    assert len(kept) == 1


def test_a_record_of_another_page_is_not_taken(tmp_path: Path) -> None:
    """An index that points at the wrong record, or at one that is no response with status 200."""
    pages = [("http://old.test/story", page("The page")), ("http://old.test/other", page("Not it"))]
    write_crawl(tmp_path, [(key(u), u, "2015-06-01T00:00:00Z", b) for u, b in pages], "crawl")
    table = pq.read_table(tmp_path / "crawl.parquet")
    columns = table.to_pydict()
    other = columns["url"].index("http://old.test/other")
    for name in ("warc_record_offset", "warc_record_length"):
        columns[name] = [columns[name][other]] * 2
    pq.write_table(pa.table(columns, table.schema), tmp_path / "crawl.parquet")
    found, kept, _ = ask(tmp_path, [str(tmp_path / "crawl.parquet")], LINKS[0])
    assert found[0].outcome == "no_capture"
    assert "a response of http://old.test/other" in found[0].detail
    assert kept == []


def test_paths_of_an_index(tmp_path: Path) -> None:
    crawls(tmp_path)
    assert len(index_files([str(tmp_path)])) == 2
    assert len(index_files([str(tmp_path / "*.parquet")])) == 2
    for bad in ("gs://other/x.parquet", str(tmp_path / "nothing.parquet")):
        with pytest.raises(InputError):
            index_files([bad])
    with pytest.raises(InputError, match="gives no index"):
        index_files([])
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(InputError, match="url_surtkey"):
        list(look_up(str(other), []))


def test_what_lies_in_common_crawls_bucket_comes_over_https() -> None:
    path = "cc-index/table/cc-main/warc/x.parquet"
    assert index_files([f"s3://commoncrawl/{path}"]) == [f"https://data.commoncrawl.org/{path}"]
    assert mirrored("s3://commoncrawl/") == "https://data.commoncrawl.org/"
    for folder in ("s3://commoncrawl/cc-index/", "https://data.commoncrawl.org/cc-index/"):
        with pytest.raises(InputError, match="is a folder, which HTTPS does not list"):
            index_files([folder])
    for other in ("s3://other/x.parquet", "s3://commoncrawl.other/x.parquet"):
        with pytest.raises(InputError, match="cannot be read: local paths and https:// are"):
            index_files([other])


def test_an_index_that_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    """Neither to a redirect's target nor to an address inside."""

    async def lead(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(redirect(f"http://127.0.0.2:{inside.port}/x", "307 Temporary Redirect"))

    async def secret(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"secret"))

    with Server(secret, address="127.0.0.2") as inside, Server(lead) as server:  # type: ignore[arg-type]
        for url in (
            f"http://127.0.0.1:{server.port}/x.parquet",
            f"http://127.0.0.2:{inside.port}/x.parquet",
        ):
            with pytest.raises(InputError, match=r"cannot be read: .*(answered 307|is loopback)"):
                ask(tmp_path, [url], LINKS[0])
    assert len(server.requests) == 1
    assert inside.connections == 0


def test_a_build_from_a_crawl(tmp_path: Path) -> None:
    urls = [f"http://crawled.test/{n}" for n in range(4)]
    captures = [(key(u), u, f"2016-01-0{n + 1}T00:00:00Z", article(u)) for n, u in enumerate(urls)]
    write_crawl(tmp_path, captures, "crawl")
    write_links(tmp_path / "links.csv", [*urls, "http://crawled.test/never"])
    with Server(files(tmp_path)) as server:  # type: ignore[arg-type]
        run(
            command(
                tmp_path, "data", "--pages", "commoncrawl", "--cc-index",
                str(tmp_path / "crawl.parquet"), "--cc-data", f"http://127.0.0.1:{server.port}/",
                "--any-port", "--allow-network", "127.0.0.0/8",
            )
        )  # fmt: skip
    documents = shards(tmp_path / "data")
    assert sorted(d["url"] for d in documents) == urls
    run(command(tmp_path, "offline", "--pages", str(tmp_path / "data" / "pages")))
    assert shards(tmp_path / "offline") == documents
