"""Objects of an S3 store, through the guarded client, for Common Crawl's index and records.

An `s3://` path is an HTTPS request like any other: its address is judged where the socket opens,
and redirects are not followed. Requests are anonymous unless `AWS_ACCESS_KEY_ID` is set; nobody
else, such as the metadata service of cloud machines, is asked for credentials.

The environment's names are those of every AWS tool: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`,
`AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
`AWS_SESSION_TOKEN`.
"""

import os
import re
from urllib.parse import quote
from xml.etree import ElementTree

from webtext_py.errors import ConfigError
from webtext_py.fetch import clock
from webtext_py.fetch.client import Exchange
from webtext_py.fetch.failure import FetchError
from webtext_py.fetch.pace import Pace
from webtext_py.fetch.signature import environment_keys, signed
from webtext_py.pages.coding import decode_body

__all__ = ["Store", "endpoint", "is_store", "mirrored"]

_SCHEME = "s3://"
_OURS = "s3://commoncrawl/"
_MIRROR = "https://data.commoncrawl.org/"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_REGION_HEADER = "x-amz-bucket-region"
_LIST_BYTES = 8 << 20  # a page of a listing names 1,000 objects; our choice
_LIST_PAGES = 1000  # our choice


def mirrored(url: str) -> str:
    """`url`, or its HTTPS mirror: Common Crawl's bucket takes no anonymous requests, and what it
    holds is served there too."""
    if url.startswith(_OURS) and not os.environ.get("AWS_ACCESS_KEY_ID") and endpoint() is None:
        return _MIRROR + url.removeprefix(_OURS)
    return url


def is_store(url: str) -> bool:
    """Whether `url` names an object of an S3 store, or a folder of them."""
    return url.startswith(_SCHEME)


def endpoint() -> str | None:
    """Where the store is, from the environment; null: Amazon's. Raises `ConfigError`."""
    url = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not url:
        return None
    if not re.fullmatch(r"https?://[^/\s@?#]+(/[^\s?#]*)?", url):
        raise ConfigError(f"`AWS_ENDPOINT_URL` is `{url}`; http(s)://HOST[:PORT] expected")
    return url.rstrip("/")


class Store:
    """S3 stores, spoken to at the pace of `pace` and through its client."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._regions: dict[str, str] = {}

    async def files(self, url: str) -> list[str]:
        """The Parquet files at `url`: itself, or those below it where it ends with `/`."""
        if not url.endswith("/"):
            return [url]
        bucket, folder = _parts(url)
        found: list[str] = []
        after: str | None = None
        for _ in range(_LIST_PAGES):
            # Sorted by name, as a signature wants them.
            asked = {"continuation-token": after, "list-type": "2", "prefix": folder}
            query = "&".join(f"{n}={quote(v, safe='')}" for n, v in asked.items() if v is not None)
            answer = await self._ask(bucket, "", f"?{query}", _LIST_BYTES)
            names, after = _listing(url, answer)
            found += [f"{_SCHEME}{bucket}/{name}" for name in names if name.endswith(".parquet")]
            if after is None:
                return sorted(found)
        raise FetchError("archive_error", f"{url} lists more than {_LIST_PAGES} pages of objects")

    async def get(
        self, url: str, *, wire_bytes: int, headers: tuple[tuple[str, str], ...] = ()
    ) -> Exchange:
        """The store's answer to a GET of the object `url`. Raises `FetchError`."""
        bucket, key = _parts(url)
        if not key:
            raise FetchError("archive_error", f"{url} names no object; s3://BUCKET/KEY expected")
        return await self._ask(bucket, key, "", wire_bytes, headers)

    async def _ask(
        self,
        bucket: str,
        key: str,
        query: str,
        wire_bytes: int,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Exchange:
        keys = environment_keys()
        region = await self._region(bucket)
        url = f"{_base(bucket, region)}/{quote(key, safe='/')}{query}"

        def sign() -> tuple[tuple[str, str], ...]:
            return () if keys is None else signed(url, region, keys, clock.now())

        answer = await self._pace.get(url, wire_bytes=wire_bytes, headers=headers, anew=sign)
        told = answer.header(_REGION_HEADER) or region
        if answer.status // 100 != 2 and told != region:
            raise FetchError(
                "archive_error",
                f"{url} answered {answer.status}: the bucket is in `{told[:40]}`; set `AWS_REGION`",
            )
        return answer

    async def _region(self, bucket: str) -> str:
        """Where the bucket is: by the environment, else by what Amazon answers."""
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        if region is None and endpoint() is not None:
            region = "us-east-1"  # stores that are not Amazon's do not care
        if region is None and bucket not in self._regions:
            url = f"{_base(bucket, None)}/?list-type=2&max-keys=0"
            answer = await self._pace.get(url, wire_bytes=_LIST_BYTES)
            self._regions[bucket] = answer.header(_REGION_HEADER) or ""
        region = region or self._regions[bucket]
        if not _REGION.fullmatch(region):
            raise FetchError("archive_error", f"{bucket} is in `{region[:40]}`, which is no region")
        return region


def _parts(url: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = url.removeprefix(_SCHEME).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise FetchError("archive_error", f"{url} names no bucket; s3://BUCKET/KEY expected")
    return bucket, key


def _base(bucket: str, region: str | None) -> str:
    """The bucket's URL. No certificate holds for a name with more dots."""
    own = endpoint()
    if own is not None:
        return f"{own}/{bucket}"
    host = "s3.amazonaws.com" if region is None else f"s3.{region}.amazonaws.com"
    return f"https://{host}/{bucket}" if "." in bucket else f"https://{bucket}.{host}"


def _listing(url: str, answer: Exchange) -> tuple[list[str], str | None]:
    """The keys in an answer to ListObjectsV2, and what to ask for the next ones; null: no more."""
    if answer.status != 200:
        raise FetchError("archive_error", f"{url} answered {answer.status} to a listing")
    decoded = decode_body(answer.body, answer.headers, _LIST_BYTES)
    try:
        text = decoded.body.decode()
        # Nothing that a store has to say needs a document type, which could define entities.
        if decoded.too_large or "<!DOCTYPE" in text:
            raise FetchError(
                "archive_error", f"{url}: a listing that is too large or has a DOCTYPE"
            )
        root = ElementTree.fromstring(text)
    except (ValueError, ElementTree.ParseError) as error:
        raise FetchError("archive_error", f"{url}: no listing: {error}") from None
    names = [element.text or "" for element in root.iterfind("{*}Contents/{*}Key")]
    if (root.findtext("{*}IsTruncated") or "").strip() != "true":
        return names, None
    after = root.findtext("{*}NextContinuationToken")
    if not after:
        raise FetchError("archive_error", f"{url}: a listing goes on without a token")
    return names, after
