"""A hostile web server on loopback: raw sockets in a thread, so that it can break every rule."""

import asyncio
import gzip
import ssl
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType

Handler = Callable[["Request", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ARTICLE = (
    "<html><head><title>{title}</title></head><body><article><h1>{title}</h1>"
    + "".join(
        f"<p>{{title}}: paragraph {n} tells of rivers, bridges and the people who built them long "
        f"before the railway came through the valley in the year {1800 + n}.</p>"
        for n in range(8)
    )
    + "</article></body></html>"
)


@dataclass
class Request:
    """One request as it came, and when."""

    method: str
    target: str
    headers: dict[str, str]
    at: float
    peer: str

    @property
    def host(self) -> str:
        """The `Host` header without its port."""
        return self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")


def page(title: str) -> bytes:
    """An article that stays itself."""
    return ARTICLE.format(title=title).encode()


def answer(
    body: bytes = b"",
    status: str = "200 OK",
    kind: str | None = "text/html; charset=utf-8",
    headers: tuple[str, ...] = (),
) -> bytes:
    """A plain, right answer."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(target: str, status: str = "302 Found") -> bytes:
    """An answer that leads on."""
    return answer(b"", status, headers=(f"Location: {target}",))


@dataclass
class Server:
    """Runs `handler` for every connection. `requests` is its log, `connections` all accepted."""

    handler: Handler
    address: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    port: int = 0
    greeting: bytes = b""  # written before anything was asked

    def __enter__(self) -> "Server":
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(60)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main(started))
        finally:
            self._loop.close()

    async def _main(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: set[asyncio.WriteTransport] = set()
        server = await asyncio.start_server(self._serve, self.address, self.port, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stop.wait()
        # No more is accepted, and what was begins before the end: else it leaves its socket open.
        for listening in server.sockets:
            self._loop.remove_reader(listening.fileno())
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(others, timeout=0.01)
        # What a client did not read would keep its connection open beyond the loop's end.
        for transport in self._transports:
            transport.abort()
        server.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._transports.add(writer.transport)
        self.connections += 1
        self.open_now += 1
        try:
            writer.write(self.greeting)
            request = await self._read(reader, writer)
            if request is not None:
                self.requests.append(request)
                await self.handler(request, reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now -= 1
            self._tasks.discard(task)
            writer.close()

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Request | None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        peer = writer.get_extra_info("peername")[0]
        return Request(method, target, headers, time.monotonic(), peer)


def site(pages: dict[str, bytes], robots: bytes | None = None) -> Handler:
    """A handler that gives whole answers by path; others are 404."""

    async def handle(
        request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        path = request.target
        if path == "/robots.txt":
            plain = answer(robots or b"", kind="text/plain")
            writer.write(plain if robots is not None else answer(b"", "404 Not Found"))
        else:
            writer.write(pages.get(path, answer(b"<p>not here</p>", "404 Not Found")))

    return handle


def gzip_bomb(size: int) -> bytes:
    """`size` zero bytes behind an HTML start, packed."""
    return gzip.compress(b"<html><body>" + bytes(size), 9)
