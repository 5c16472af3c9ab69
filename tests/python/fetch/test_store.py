"""S3 stores: requests like any other, through the place where addresses are judged."""

import asyncio
import datetime as dt
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from webtext_py.errors import ConfigError
from webtext_py.fetch import pace
from webtext_py.fetch.address import Guard
from webtext_py.fetch.client import Client
from webtext_py.fetch.config import FetchConfig
from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.pace import Pace
from webtext_py.fetch.resolver import Resolver, SystemResolver
from webtext_py.fetch.signature import Keys, signed
from webtext_py.fetch.store import Store

from .archives import bucket
from .fetching import LIMITS, LOOPBACK
from .server import Request, Server, answer, redirect

T = TypeVar("T")
KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names no S3 store and nobody's keys."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def with_store(
    work: Callable[[Store], Awaitable[T]],
    guard: Guard = LOOPBACK,
    resolver: Resolver | None = None,
    *,
    any_port: bool = True,
) -> T:
    """What `work` gives, with a store behind a client."""

    async def go() -> T:
        names = resolver or SystemResolver()
        limits = replace(LIMITS, connect_s=1)
        async with Client("webtext-test", guard, names, limits, any_port) as client:
            return await work(Store(Pace(client, 60000, lambda text: None, hold_s=0)))

    return asyncio.run(go())


def body(url: str, guard: Guard = LOOPBACK, resolver: Resolver | None = None) -> bytes:
    """The first ten bytes of an object."""
    wanted = (("Range", "bytes=0-9"),)
    get = with_store(lambda s: s.get(url, wire_bytes=10, headers=wanted), guard, resolver)
    return get.body if get.status == 206 else str(get.status).encode()


@pytest.mark.parametrize("path", ["x", "folder/"])
def test_no_redirect_of_a_store_is_followed(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Also not with keys."""

    async def lead(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(redirect(f"http://127.0.0.2:{inside.port}/secret", "307 Temporary Redirect"))

    async def secret(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"secret"))

    with Server(secret, address="127.0.0.2") as inside, Server(lead) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        for keys in (False, True):
            if keys:
                monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.name)
                monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret)
            if path == "x":
                assert body("s3://held/x") == b"307"
            else:
                with pytest.raises(FetchError, match="answered 307 to a listing"):
                    with_store(lambda store: store.files(f"s3://held/{path}"))
    assert len(server.requests) == 2
    assert ["authorization" in r.headers for r in server.requests] == [False, True]
    assert inside.connections == 0


class Names:
    """Every name leads to a public address at first, and inside from the `turn`th time on."""

    def __init__(self, turn: int = 1) -> None:
        self.turn = turn
        self.asked: list[str] = []

    async def addresses(self, host: str) -> list[str]:
        self.asked.append(host)
        return ["10.0.0.1" if len(self.asked) >= self.turn else "52.216.0.1"]


@pytest.mark.parametrize(
    ("endpoint", "url", "refused"),
    [
        ("http://127.0.0.1:9", "s3://held/x", "127.0.0.1 is loopback"),
        ("http://169.254.169.254", "s3://held/x", "169.254.169.254 is link-local"),
        (None, "s3://held/x", "https://held.s3.eu-north-1.amazonaws.com/x: 10.0.0.1 is private"),
        (None, "s3://a.b/x/y", "https://s3.eu-north-1.amazonaws.com/a.b/x/y: 10.0.0.1 is private"),
    ],
)
def test_a_store_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, url: str, refused: str
) -> None:
    if endpoint is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    with pytest.raises(FetchError, match="address_refused") as error:
        body(url, Guard(), Names())
    assert refused in str(error.value)


def test_every_connection_is_judged_by_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that led outside once."""

    async def found(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"x", "206 Partial Content", headers=("Content-Range: bytes 0-0/1",)))

    class Rebinding(Names):
        async def addresses(self, host: str) -> list[str]:
            self.asked.append(host)
            return ["127.0.0.1" if len(self.asked) == 1 else "127.0.0.2"]

    async def twice(store: Store) -> bytes:
        first = await store.get("s3://held/x", wire_bytes=10)
        with pytest.raises(FetchError, match=r"address_refused.*127\.0\.0\.2 is loopback"):
            await store.get("s3://held/x", wire_bytes=10)
        return first.body

    with Server(found) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://store.test:{server.port}")
        assert with_store(twice, resolver=Rebinding()) == b"x"
    assert server.connections == 1


def test_a_port_of_a_store_is_allowed_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match="port_refused"):
        with_store(lambda s: s.get("s3://held/x", wire_bytes=1), any_port=False)


@pytest.mark.parametrize("url", ["s3:///x", "s3://held", "s3://held/", "s3://../x", "s3://a b/x"])
def test_a_name_that_is_none_is_an_error_of_the_store(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match=r"archive_error.*s3://BUCKET/KEY expected"):
        body(url)


def test_keys_are_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(bucket(tmp_path, "held")) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}/below/")
        assert body("s3://held/a=1/b c?d#\u00e9%2f") == b"404"
    assert server.requests[0].target == "/below/held/a%3D1/b%20c%3Fd%23%C3%A9%252f"


def page(keys: list[str], after: str | None) -> bytes:
    """A page of a listing."""
    contents = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)
    more = f"<NextContinuationToken>{after}</NextContinuationToken>" if after else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<IsTruncated>{'true' if after else 'false'}</IsTruncated>{contents}{more}"
        "</ListBucketResult>"
    ).encode()


def listing(monkeypatch: pytest.MonkeyPatch, *pages: bytes) -> tuple[list[str], list[str]]:
    """What a store with these pages gives for a folder, and what it was asked for."""
    left = list(pages)

    async def handle(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(left.pop(0) if len(left) > 1 else left[0], kind="application/xml"))

    with Server(handle) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        files = with_store(lambda store: store.files("s3://held/a=b/"))
    return files, [r.target for r in server.requests]


def test_a_folder_of_several_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    first = page(["a=b/2.parquet", "a=b/x.txt"], "t/1+")
    files, asked = listing(monkeypatch, first, page(["a=b/1&amp;.parquet"], None))
    assert files == ["s3://held/a=b/1&.parquet", "s3://held/a=b/2.parquet"]
    query = "list-type=2&prefix=a%3Db%2F"
    assert asked == [f"/held/?{query}", f"/held/?continuation-token=t%2F1%2B&{query}"]


BOMB = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no XML", "no listing"),
        (b"\xff\xfe<", "no listing"),
        (BOMB + page([], None).partition(b"?>")[2], "has a DOCTYPE"),
        ((BOMB.decode() + "<ListBucketResult/>").encode("utf-16"), "no listing"),
        (page(["x.parquet"], "again"), "more than 1000 pages"),
        (page([], " ").replace(b"Token> <", b"Token><"), "without a token"),
    ],
    ids=["text", "bytes", "doctype", "utf-16", "endless", "no token"],
)
def test_a_listing_that_is_none(monkeypatch: pytest.MonkeyPatch, body: bytes, message: str) -> None:
    with pytest.raises(FetchError, match="archive_error") as error:
        listing(monkeypatch, body)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("url", "headers", "signature"),
    [
        (
            "https://examplebucket.s3.amazonaws.com/test.txt",
            (("Range", "bytes=0-9"),),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
            (),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_signatures_are_those_of_the_reference(
    url: str, headers: tuple[tuple[str, str], ...], signature: str
) -> None:
    """The examples of Amazon's S3 API reference, "Signature Calculations: Authorization Header"."""
    now = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
    found = dict(signed(url, "us-east-1", KEYS, now, headers))["Authorization"]
    assert found.endswith(f"Signature={signature}")


def test_each_try_is_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"", "503 Slow Down" if len(server.requests) == 1 else "404 Not Found"))

    moments = iter(dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in range(1, 10))
    monkeypatch.setattr("webtext_py.fetch.store.clock.now", lambda: next(moments))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.name)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS.secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    with Server(busy) as server:  # type: ignore[arg-type]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        assert body("s3://held/x") == b"404"
    dates = [r.headers["x-amz-date"] for r in server.requests]
    assert len(set(dates)) == 2
    for request in server.requests:
        assert request.headers["x-amz-security-token"] == "token"
        assert (
            "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
            in (request.headers["authorization"])
        )
        address = f"http://127.0.0.1:{server.port}/held/x"
        now = dt.datetime.strptime(request.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
        again = signed(address, "us-east-1", replace(KEYS, token="token"), now)
        assert dict(again)["Authorization"] == request.headers["authorization"]


def test_a_key_without_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS.name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match="AWS_SECRET_ACCESS_KEY"):
        body("s3://held/x")


@pytest.mark.parametrize("endpoint", ["store.test", "ftp://store.test", "http://me:pw@store.test"])
def test_an_endpoint_that_is_none(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(ConfigError, match="AWS_ENDPOINT_URL"):
        FetchConfig(cc_index=("s3://held/x",)).record(("commoncrawl",))


@pytest.mark.parametrize(
    ("answered", "region"), [("eu-west-3", "eu-west-3"), (None, ""), ("a/../b", "a/../b")]
)
def test_the_region_is_what_amazon_says(
    monkeypatch: pytest.MonkeyPatch, answered: str | None, region: str
) -> None:
    """Amazon's names lead to our server, which speaks no TLS: the schemes are put down to http."""
    asked: list[str] = []
    told = () if answered is None else (f"x-amz-bucket-region: {answered}",)

    async def amazon(request: Request, reader: object, writer: asyncio.StreamWriter) -> None:
        asked.append(f"{request.host} {request.target}")
        writer.write(answer(b"", "404 Not Found" if len(asked) > 1 else "403 No", headers=told))

    class Here:
        async def addresses(self, host: str) -> list[str]:
            return ["127.0.0.1"]

    with Server(amazon) as server:  # type: ignore[arg-type]
        real = pace.Pace.get

        async def plain(self: Pace, url: str, **options: object) -> object:
            host, _, rest = url.removeprefix("https://").partition("/")
            return await real(self, f"http://{host}:{server.port}/{rest}", **options)  # type: ignore[arg-type]

        monkeypatch.setattr(pace.Pace, "get", plain)
        if region == "eu-west-3":
            assert body("s3://held/x", resolver=Here()) == b"404"
            assert asked[1:] == ["held.s3.eu-west-3.amazonaws.com /x"]
            monkeypatch.setenv("AWS_REGION", "eu-north-1")
            with pytest.raises(FetchError, match="the bucket is in `eu-west-3`; set `AWS_REGION`"):
                body("s3://held/x", resolver=Here())
        else:
            with pytest.raises(FetchError, match=f"held is in `{region}`, which is no region"):
                body("s3://held/x", resolver=Here())
    assert asked[0] == "held.s3.amazonaws.com /?list-type=2&max-keys=0"
