"""Writes the submission lines of the demo dump, with the habits of each era of the real ones.

To 2010 slashes are written `\\/`; to 2013 URLs are HTML-escaped; from 2014-01 to 2015-11
`created_utc` is a string of digits and the keys are in no order; the rest is sorted. Quirks that
are not of an era are asked for by name.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from string import ascii_lowercase, digits
from urllib.parse import urlsplit

QUIRKS = {
    "float": "created_utc is a float",
    "nul": "a \\u0000 stands in the title",
    "nul-run": "64 NUL bytes come before the line",
    "wrapped": 'the line is {"kind": "t3", "data": {...}}',
    "parent-first": "a crosspost's parent, with the same key names, comes before the outer keys",
    "parent-last": "a crosspost's parent, with the same key names, comes after the outer keys",
    "no-author": "the keys author, subreddit and subreddit_id are missing",
    "removed": "selftext is [removed], the link still stands",
    "cut": "the line ends in the middle of a string",
    "not-json": "the line is no JSON",
    "not-object": "the line is JSON, but no object",
    "no-url-key": "the key url is missing",
}


@dataclass(frozen=True)
class Post:
    """One submission line. `created` is in seconds; `outcome` is `kept` or the line rule's reason.

    `parent_score` is the nested score where a quirk asks for a crosspost's parent.
    """

    url: str | None
    karma: int | None
    created: int
    title: str
    subreddit: str
    outcome: str = "kept"
    shows: str = ""
    over_18: bool = False
    promoted: bool = False
    is_self: bool = False
    domain: str | None = None
    selftext: str = ""
    quirks: Sequence[str] = ()
    parent_score: int = 0
    parent_url: str = ""

    @property
    def id(self) -> str:
        """The base 36 id, from creation time and URL, growing with time."""
        salt = hashlib.sha256(f"{self.url}|{self.title}|{self.karma}".encode()).digest()[0]
        return _base36((self.created - 1_100_000_000) // 64 * 256 + salt)


def line(post: Post) -> bytes:
    """The line's bytes, without the line feed."""
    quirks = set(post.quirks)
    if "not-json" in quirks:
        return b"<html><head><title>503 Service Unavailable</title></head></html>"
    if "not-object" in quirks:
        return b'["' + post.id.encode() + b'", 12, null]'
    year = datetime.fromtimestamp(post.created, UTC).year
    strings = 1388534400 <= post.created < 1448928000
    row = _fields(post, year, quirks)
    if "float" in quirks:
        row["created_utc"] = float(post.created)
    elif strings:
        row["created_utc"] = str(post.created)
    keys = sorted(row)
    if strings:
        keys.sort(key=lambda k: hashlib.sha256(f"{post.id}{k}".encode()).digest())
    parent = next((q for q in ("parent-first", "parent-last") if q in quirks), None)
    if parent:
        keys.remove("crosspost_parent_list")
        keys.insert(0 if parent == "parent-first" else len(keys), "crosspost_parent_list")
    ordered = {k: row[k] for k in keys}
    out: object = {"kind": "t3", "data": ordered} if "wrapped" in quirks else ordered
    spaced = "float" in quirks or "wrapped" in quirks
    text = json.dumps(out, separators=(", ", ": ") if spaced else (",", ":"))
    if year <= 2010:
        text = text.replace("/", "\\/")
    if "cut" in quirks:
        text = text[: text.index('"title"') + 20]
    return (b"\0" * 64 if "nul-run" in quirks else b"") + text.encode("ascii")


def _fields(post: Post, year: int, quirks: set[str]) -> dict[str, object]:
    url = escape(post.url, quote=False) if post.url is not None and year <= 2013 else post.url
    title = post.title.replace(" ", " \0", 1) if "nul" in quirks else post.title
    row: dict[str, object] = {
        "archived": year < 2017,
        "author": "[deleted]" if len(post.id) % 5 == 0 else f"reader_{post.id}",
        "author_flair_text": None,
        "created_utc": post.created,
        "distinguished": None,
        "domain": _domain(post) if post.domain is None else post.domain,
        "edited": False,
        "gilded": 0,
        "hide_score": False,
        "id": post.id,
        "is_self": post.is_self,
        "link_flair_text": None,
        "media": None,
        "media_embed": {},
        "num_comments": (post.karma or 0) // 7,
        "over_18": post.over_18,
        "permalink": f"/r/{post.subreddit}/comments/{post.id}/{_slug(post.title)}/",
        "retrieved_on": post.created + 5_000_000,
        "score": post.karma,
        "selftext": "[removed]" if "removed" in quirks else post.selftext,
        "stickied": False,
        "subreddit": post.subreddit,
        "subreddit_id": "t5_"
        + _base36(int.from_bytes(hashlib.sha256(post.subreddit.encode()).digest()[:3], "big")),
        "thumbnail": "default",
        "title": title,
        "url": url,
    }
    if year >= 2014:
        row |= {"downs": 0, "ups": post.karma}
    if year >= 2016:
        row |= {"brand_safe": True, "contest_mode": False, "spoiler": False}
    if post.promoted:
        row |= {"promoted": True, "href_url": url}
    if "no-author" in quirks:
        for key in ("author", "subreddit", "subreddit_id"):
            del row[key]
    if "no-url-key" in quirks:
        del row["url"]
    if {"parent-first", "parent-last"} & quirks:
        row["crosspost_parent"] = "t3_1zzzzz"
        row["crosspost_parent_list"] = [
            {
                "created_utc": 1700000000,
                "domain": "self.elsewhere",
                "id": "1zzzzz",
                "is_self": True,
                "over_18": True,
                "promoted": True,
                "score": post.parent_score,
                "subreddit": "elsewhere",
                "url": post.parent_url,
                "media": {"oembed": {"url": "http://media.example/x.jpg", "score": 1}},
            }
        ]
    return row


def _domain(post: Post) -> str | None:
    if post.is_self:
        return f"self.{post.subreddit}"
    return None if post.url is None else urlsplit(post.url).netloc.lower().removeprefix("www.")


def _slug(title: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in title.lower()).split())[:48]


def _base36(number: int) -> str:
    number, rest = divmod(number, 36)
    return (_base36(number) if number else "") + (digits + ascii_lowercase)[rest]
