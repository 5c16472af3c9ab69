"""Objects of an S3 store, read by place, for Common Crawl's index and records.

The one source that does not go through `connector`: pyarrow's S3 client opens its own sockets. So
the endpoint's addresses are judged before it is made. The endpoint comes from an option or from
the environment, never from a link. Requests are anonymous unless `AWS_ACCESS_KEY_ID` is set; the
metadata service of cloud machines is never asked for credentials or a region.

The environment's names are those of every AWS tool: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`,
`AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID` and its companions.
"""

import asyncio
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from webtext_py.fetch.address import Guard
from webtext_py.fetch.connector import Resolver
from webtext_py.fetch.failure import FetchError

if TYPE_CHECKING:
    from pyarrow import NativeFile
    from pyarrow.fs import S3FileSystem

__all__ = ["Store", "is_store", "mirrored"]

T = TypeVar("T")

_SCHEME = "s3://"
_OURS = "s3://commoncrawl/"
_MIRROR = "https://data.commoncrawl.org/"
_ANONYMOUS = "AWS_ACCESS_KEY_ID"


def mirrored(url: str) -> str:
    """`url`, or its HTTPS mirror: Common Crawl's bucket takes no anonymous requests, and what it
    holds is served there too."""
    if url.startswith(_OURS) and _ANONYMOUS not in os.environ and _endpoint() is None:
        return _MIRROR + url.removeprefix(_OURS)
    return url


def is_store(url: str) -> bool:
    """Whether `url` names an object of an S3 store, or a folder of them."""
    return url.startswith(_SCHEME)


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


class Store:
    """S3 stores, as far as `guard` lets through. One client a bucket."""

    def __init__(self, guard: Guard, resolver: Resolver, connect_s: float) -> None:
        self._guard = guard
        self._resolver = resolver
        self._connect_s = connect_s
        self._systems: dict[str, S3FileSystem] = {}

    async def files(self, url: str) -> list[str]:
        """The Parquet files at `url`: itself, or those below it where it ends with `/`."""
        if not url.endswith("/"):
            return [url]

        def below(system: "S3FileSystem", path: str) -> list[str]:
            from pyarrow.fs import FileSelector

            infos = system.get_file_info(FileSelector(path.rstrip("/"), recursive=True))
            return sorted(_SCHEME + i.path for i in infos if i.path.endswith(".parquet"))

        return await self._with(url, below)

    async def open(self, url: str) -> "NativeFile":
        """The object as a file; its methods block, so they belong in a thread."""
        return await self._with(url, lambda system, path: system.open_input_file(path))

    async def read(self, url: str, offset: int, length: int) -> bytes:
        """`length` bytes of the object from `offset`; fewer where it ends before."""

        def read(system: "S3FileSystem", path: str) -> bytes:
            with system.open_input_file(path) as file:
                return bytes(file.read_at(length, offset))

        return await self._with(url, read)

    async def _with(self, url: str, work: "Callable[[S3FileSystem, str], T]") -> T:
        """What `work` gives, in a thread. Raises `FetchError` for what the store refuses."""
        path = url.removeprefix(_SCHEME)
        bucket = path.partition("/")[0]
        try:
            if bucket not in self._systems:
                self._systems[bucket] = await self._system(bucket)
            return await asyncio.to_thread(work, self._systems[bucket], path)
        except (OSError, ValueError) as error:  # ValueError: no name of a bucket or object
            raise FetchError("archive_error", f"{url}: {str(error)[:200]}") from None

    async def _system(self, bucket: str) -> "S3FileSystem":
        # Before the client is loaded: it would look for credentials and a region there.
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        from pyarrow.fs import S3FileSystem, resolve_s3_region

        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        options: dict[str, object] = {"connect_timeout": self._connect_s}
        endpoint = _endpoint()
        if endpoint is not None:
            parts = urlsplit(endpoint)
            await self._judge(parts.hostname or "")
            options |= {"scheme": parts.scheme, "endpoint_override": parts.netloc}
            region = region or "us-east-1"  # stores that are not Amazon's do not care
        else:
            await self._judge("s3.amazonaws.com")
            region = region or await asyncio.to_thread(resolve_s3_region, bucket)
            await self._judge(f"{bucket}.s3.{region}.amazonaws.com")
        return S3FileSystem(anonymous=_ANONYMOUS not in os.environ, region=region, **options)

    async def _judge(self, host: str) -> None:
        literal = re.fullmatch(r"[0-9.]+", host) or ":" in host
        for address in [host] if literal else await self._resolver.addresses(host):
            refusal = self._guard.refusal(address)
            if refusal is not None:
                raise FetchError("address_refused", f"{host}: {refusal}")
