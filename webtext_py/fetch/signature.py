"""Signed requests to an S3 store: AWS Signature Version 4, for GET.

Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference.
"""

import datetime as dt
import hashlib
import hmac
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from webtext_py.errors import ConfigError

__all__ = ["Keys", "environment_keys", "signed"]

_EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Keys:
    """Somebody's access to a store."""

    name: str
    secret: str
    token: str | None = None


def environment_keys() -> Keys | None:
    """The keys that the environment names; null: requests are anonymous. Raises `ConfigError`."""
    name = os.environ.get("AWS_ACCESS_KEY_ID")
    if not name:
        return None
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise ConfigError("`AWS_ACCESS_KEY_ID` is set without `AWS_SECRET_ACCESS_KEY`")
    return Keys(name, secret, os.environ.get("AWS_SESSION_TOKEN") or None)


def signed(
    url: str, region: str, keys: Keys, now: dt.datetime, headers: tuple[tuple[str, str], ...] = ()
) -> tuple[tuple[str, str], ...]:
    """`headers` and those that sign a GET of `url` with them, good for 15 minutes from `now`.

    `url` is sent as it stands: its path is quoted already, its query sorted and quoted.
    """
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = [*headers, ("x-amz-content-sha256", _EMPTY), ("x-amz-date", stamp)]
    if keys.token is not None:
        sent.append(("x-amz-security-token", keys.token))
    own = {"http": ":80", "https": ":443"}[parts.scheme]
    covered = sorted([("host", parts.netloc.removesuffix(own)), *((n.lower(), v) for n, v in sent)])
    names = ";".join(name for name, _ in covered)
    request = "\n".join(
        [
            *("GET", parts.path, parts.query),
            *(f"{name}:{' '.join(value.split())}" for name, value in covered),
            *("", names, _EMPTY),
        ]
    )
    scope = [stamp[:8], region, "s3", "aws4_request"]
    key = f"AWS4{keys.secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), digest])
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = "/".join([keys.name, *scope])
    value = f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={names},Signature={signature}"
    return (*sent, ("Authorization", value))
