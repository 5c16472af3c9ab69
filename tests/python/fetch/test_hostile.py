"""A server that breaks every rule: each case ends in its own reason, soon, in little memory."""

import asyncio
import gzip
import ssl
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from webtext_py.fetch.client import Client
from webtext_py.fetch.connector import HostsFile
from webtext_py.fetch.failure import FetchError

from .fetching import LIMITS, LOOPBACK, fetch_all, fetch_one
from .server import Handler, Request, Server, answer, gzip_bomb, page, redirect, site

READER = asyncio.StreamReader
WRITER = asyncio.StreamWriter


def raw(*pieces: bytes, pause: float = 0.0, forever: bool = False, count: int = 1) -> Handler:
    """Writes the pieces as they are; the last one `count` times or for ever."""

    async def handle(request: Request, reader: READER, writer: WRITER) -> None:
        if request.target == "/robots.txt":
            writer.write(answer(b"", "404 Not Found"))
            return
        for piece in pieces[:-1]:
            writer.write(piece)
        sent = 0
        while forever or sent < count:
            writer.write(pieces[-1])
            await writer.drain()
            sent += 1
            await asyncio.sleep(pause)

    return handle


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def outcome(handler: Handler, path: str = "/", **options: object) -> tuple[str, str, Server]:
    """How fetching from a server of `handler` ends."""
    with Server(handler) as server:
        result = fetch_one(f"http://site.test:{server.port}{path}", **options)
    return result.outcome, result.detail, server


@pytest.mark.parametrize(
    ("target", "reason", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "address_refused", "link-local"),
        ("http://10.0.0.1/", "address_refused", "private"),
        ("http://192.168.0.1/", "address_refused", "private"),
        ("http://127.0.0.2/", "address_refused", "loopback"),
        ("http://127.1.2.3:9/", "address_refused", "loopback"),
        ("http://0.0.0.0/", "address_refused", "this network"),
        ("http://[::1]/", "address_refused", "loopback"),
        ("http://[::ffff:10.0.0.1]/", "address_refused", "private"),
        ("http://[64:ff9b::a9fe:a9fe]/", "address_refused", "link-local"),
        ("http://[fe80::1]/", "address_refused", "link-local"),
        ("http://2886729729/", "address_refused", "private"),  # 172.16.0.1 as one number
        ("http://0xa9fea9fe/", "address_refused", "link-local"),
        ("http://0251.0376.0251.0376/", "address_refused", "link-local"),
        ("http://inside.test/", "address_refused", "10.9.8.7"),
        ("http://metadata.test/", "address_refused", "169.254.169.254"),
        ("file:///etc/passwd", "redirect_without_target", ""),
        ("gopher://127.0.0.1:6379/_", "redirect_without_target", ""),
        ("ftp://127.0.0.1/", "redirect_without_target", ""),
        ("javascript:alert(1)", "redirect_without_target", ""),
        ("http://nowhere.test/", "dns", "nowhere.test"),
    ],
)
def test_redirects_inside_are_refused(target: str, reason: str, why: str) -> None:
    names = {
        "site.test": "127.0.0.1",
        "inside.test": "10.9.8.7",
        "metadata.test": "169.254.169.254",
    }
    with Server(site({"/": redirect(target)})) as server:
        result = fetch_one(f"http://site.test:{server.port}/", resolver=HostsFile(names))
    assert result.outcome == reason, result.detail
    assert why in result.detail
    assert server.connections == 2  # robots.txt and the redirect


def test_nothing_is_connected_to_without_permission() -> None:
    with Server(site({"/": answer(page("A"))})) as server:
        result = fetch_one(f"http://127.0.0.1:{server.port}/", guard=_public_only())
        named = fetch_one(f"http://site.test:{server.port}/", guard=_public_only())
    assert result.outcome == named.outcome == "address_refused"
    assert server.connections == 0


def _public_only() -> "object":
    from webtext_py.fetch.address import Guard

    return Guard()


class Rebinding:
    """A name that is public when looked at and inside when connected to."""

    def __init__(self) -> None:
        self.asked = 0

    async def addresses(self, host: str) -> list[str]:
        self.asked += 1
        return ["93.184.216.34"] if self.asked == 1 else ["127.0.0.1"]


def test_rebinding_is_caught_at_the_socket() -> None:
    resolver = Rebinding()
    with Server(site({"/": answer(page("A"))})) as server:
        result = fetch_one(
            f"http://rebind.test:{server.port}/", guard=_public_only(), resolver=resolver
        )
    assert resolver.asked >= 2  # the first look was good
    assert result.outcome == "address_refused"
    assert "loopback" in result.detail
    assert server.connections == 0


def test_other_ports_need_the_option() -> None:
    with Server(site({"/": answer(page("A"))})) as server:
        result = fetch_one(f"http://site.test:{server.port}/", any_port=False)
    assert result.outcome == "port_refused"
    assert server.connections == 0


@pytest.mark.parametrize(
    ("name", "handler", "reason"),
    [
        ("header flood", raw(HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(5000)) + b"\r\n"),
         "headers_too_large"),
        ("10 MB of headers", raw(HEAD, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in
         range(1000)), count=10), "headers_too_large"),
        ("one header of 10 MB", raw(HEAD + b"X: ", b"y" * (1 << 20), count=10),
         "headers_too_large"),
        ("a status line of 1 MB", raw(b"HTTP/1.1 200 " + b"O" * (1 << 20) + b"\r\n\r\n"),
         "headers_too_large"),
        ("endless headers", raw(HEAD, b"X: y\r\n" * 1000, forever=True), "headers_too_large"),
        ("endless chunks", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
         b"10000\r\n" + b"x" * 65536 + b"\r\n", forever=True), "body_too_large"),
        ("endless body", raw(HEAD + b"\r\n", b"x" * 65536, forever=True), "body_too_large"),
        ("endless chunk extension", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
         b"x" * 65536, forever=True), "body_too_large"),
        # Ten bytes of body behind each 8 kB of framing: the body alone would go on for ever.
        ("framing without end", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
         (b"a;" + b"x" * 8000 + b"\r\n0123456789\r\n") * 8, forever=True), "body_too_large"),
        ("bad chunk", raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"), "bad_http"),
        ("Content-Length too long", raw(HEAD + b"Content-Length: 9999\r\n\r\n<p>short</p>"),
         "incomplete_body"),
        ("Content-Length no number", raw(HEAD + b"Content-Length: ten\r\n\r\n<p>"), "bad_http"),
        ("two Content-Lengths", raw(HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n<p>a"),
         "bad_http"),
        ("no HTTP", raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "bad_http"),
        ("nothing", raw(b""), "connect"),
        ("a kind that is no page", raw(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n",
         b"x" * 65536, forever=True), "not_html"),
        ("no kind, no page", raw(answer(b"\x00\x01\x02 binary", kind=None)), "not_html"),
        ("an error", raw(answer(b"gone", "410 Gone")), "http_error"),
    ],
)  # fmt: skip
def test_broken_answers(name: str, handler: Handler, reason: str) -> None:
    found, detail, _ = outcome(handler)
    assert found == reason, detail


@pytest.mark.parametrize(
    ("handler", "limit", "reason"),
    [
        (raw(HEAD, b"X", pause=0.3, forever=True), "total_s", "timeout"),
        (raw(HEAD + b"\r\n", b"<p>", pause=0.3, forever=True), "total_s", "timeout"),
        (raw(b"", pause=120), "idle_s", "idle_timeout"),
        (raw(HEAD + b"\r\n<html>", b"", pause=120), "idle_s", "idle_timeout"),
    ],
    ids=["drip in the head", "drip in the body", "silence", "silence in the body"],
)
def test_slow_answers(handler: Handler, limit: str, reason: str) -> None:
    """By the client alone: of robots.txt, which is asked for first, nobody knows how long it takes
    on a busy machine."""

    async def run(port: int) -> None:
        names, limits = HostsFile({"site.test": "127.0.0.1"}), replace(LIMITS, **{limit: 1.0})  # type: ignore[arg-type]
        async with Client("webtext-test", LOOPBACK, names, limits, any_port=True) as client:
            await client.get(f"http://site.test:{port}/")

    with Server(handler) as server, pytest.raises(FetchError) as error:
        asyncio.run(run(server.port))
    assert error.value.reason == reason


def test_the_head_counts_as_bytes_on_the_wire() -> None:
    """A body just within the limit is too large with its head."""
    size = LIMITS.wire_bytes - (100 << 10)
    body = b"<html>" + b"x" * size
    few, many = (tuple(f"X-{n}: {'y' * 10_000}" for n in range(count)) for count in (1, 20))
    with Server(
        site({"/few": answer(body, headers=few), "/many": answer(body, headers=many)})
    ) as s:
        base = f"http://site.test:{s.port}"
        found = [f.outcome for f in fetch_all(f"{base}/few", f"{base}/many")]
    assert found == ["good", "body_too_large"]


def _packed(coding: str, size: int) -> bytes:
    import brotli
    import zstandard

    data = b"<html><body>" + bytes(size)
    if coding == "gzip":
        return gzip_bomb(size)
    if coding == "gzip twice":
        return gzip.compress(gzip_bomb(size), 9)
    if coding == "br":
        return bytes(brotli.compress(data, quality=1))
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=3).compress(data)
    import zlib

    return zlib.compress(data, 9)


@pytest.mark.parametrize("coding", ["gzip", "gzip twice", "deflate", "br", "zstd"])
def test_bombs_stop_at_the_limit(coding: str) -> None:
    body = _packed(coding, 200_000_000)
    named = "gzip, gzip" if coding == "gzip twice" else coding
    found, detail, _ = outcome(site({"/": answer(body, headers=(f"Content-Encoding: {named}",))}))
    assert found == "decoded_too_large", detail


def test_redirect_loops_and_long_ways() -> None:
    pages = {"/a": redirect("/b"), "/b": redirect("/a"), "/self": redirect("/self")}
    pages |= {f"/{n}": redirect(f"/{n + 1}") for n in range(20)}
    pages |= {f"/s{n}": redirect(f"/s{n + 1}") for n in range(9)}
    pages["/s9"] = answer(page("The end"))
    with Server(site(pages)) as server:
        base = f"http://site.test:{server.port}"
        loop, itself, long, short = fetch_all(
            f"{base}/a", f"{base}/self", f"{base}/0", f"{base}/s0"
        )
    assert [loop.outcome, itself.outcome, long.outcome] == [
        "redirect_loop",
        "redirect_loop",
        "too_many_redirects",
    ]
    assert short.outcome == "good"
    assert short.final_url == f"{base}/s9"
    assert short.redirects == [f"{base}/s{n}" for n in range(9)]
    assert len(short.exchanges) == 10


def test_cookies_are_kept_by_nobody() -> None:
    pages = {"/": answer(page("A"), headers=("Set-Cookie: id=1; Path=/",))}
    with Server(site(pages)) as server:
        fetch_all(*[f"http://site.test:{server.port}/"] * 2)
    assert len(server.requests) == 4
    assert all("cookie" not in request.headers for request in server.requests)


def _certificate(folder: Path, name: str, days: int) -> ssl.SSLContext:
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", f"/CN={name}"),
        *("-addext", f"subjectAltName=DNS:{name}", "-days", str(days)),
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_tls_is_verified(tmp_path: Path) -> None:
    server_side = _certificate(tmp_path, "site.test", 2)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    with Server(site({"/": answer(page("A"))}), tls=server_side) as server:
        url = f"https://site.test:{server.port}/"
        assert fetch_one(url).outcome == "tls"  # signed by nobody we know
        assert fetch_one(url, tls=trusting).outcome == "good"
        other = f"https://other.test:{server.port}/"
        assert fetch_one(other, tls=trusting).outcome == "tls"  # another name
    with Server(site({}), greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as plain:
        assert fetch_one(f"https://site.test:{plain.port}/").outcome == "tls"
    tls12 = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    assert tls12.minimum_version >= ssl.TLSVersion.TLSv1_2


MEMORY = """
import re, sys
sys.path.insert(0, sys.argv[1])
from fetch.fetching import fetch_all
found = fetch_all(*[sys.argv[2] + "/" + name for name in sys.argv[3].split(",")],
    wire_bytes=10 << 20, decoded_bytes=20 << 20)
print(*[f.outcome for f in found])
# Not ru_maxrss, which a child inherits from the process that started it.
print(re.search("VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def test_memory_stays_under_300_mb() -> None:
    bombs = {
        f"/{coding}": answer(_packed(coding, 200_000_000), headers=(f"Content-Encoding: {coding}",))
        for coding in ("gzip", "br", "zstd", "deflate")
    }
    wide = raw(HEAD + b"\r\n", b"x" * 65536, forever=True)
    floods = raw(HEAD, b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1000) for n in range(1000)), count=10)

    async def handle(request: Request, reader: READER, writer: WRITER) -> None:
        if request.target == "/endless":
            await wide(request, reader, writer)
        elif request.target == "/flood":
            await floods(request, reader, writer)
        else:
            await site(bombs)(request, reader, writer)

    with Server(handle) as server:
        names = "gzip,br,zstd,deflate,endless,flood"
        run = subprocess.run(
            [sys.executable, "-P", "-c", MEMORY, str(Path(__file__).parents[1]),
             f"http://site.test:{server.port}", names],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    outcomes, peak = run.stdout.splitlines()
    assert outcomes.split() == ["decoded_too_large"] * 4 + ["body_too_large", "headers_too_large"]
    assert int(peak) * 1024 < 300 << 20


def test_reasons_are_a_closed_list() -> None:
    with pytest.raises(AssertionError):
        FetchError("whatever", "")
