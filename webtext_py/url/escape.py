"""Undoing the HTML escaping of posted URLs.

Reddit escapes three characters, `&`, `<` and `>`, in part of its dumps (`&amp;` stands in 123 of
the 1,079 URLs of RS_v2_2005-07 and in none of RS_2019-10). `html.unescape` would undo far more
than was done: it takes entity names without a semicolon, so a parameter `&copy=1` becomes `©=1`
and `&lang=en` becomes `〈=en`. So exactly those three are undone, with their semicolons.

`&amp;amp;` is one `&` too: the poster pasted a link that was already escaped (4 of 33,119 real
URLs, each of them meant so). `&amp;lt;` gives `&lt;`: only the ampersand is undone more than once.
"""

import re

import pyarrow as pa
import pyarrow.compute as pc

_AMPERSAND = r"&(?:amp;)+"
_AMPERSANDS = re.compile(_AMPERSAND)


def unescape(url: str) -> str:
    """`url` without Reddit's HTML escaping; the same string where it has none."""
    if "&" not in url:
        return url
    return _AMPERSANDS.sub("&", url.replace("&lt;", "<").replace("&gt;", ">"))


def html_unescape(values: pa.Array) -> pa.Array:
    """`unescape` of each string of a column (string or large_string); nulls stay null.

    The column itself comes back where no value has an escape.
    """
    if not pc.any(pc.match_substring_regex(values, r"&(?:amp|lt|gt);")).as_py():
        return values
    values = pc.replace_substring(values, "&lt;", "<")
    values = pc.replace_substring(values, "&gt;", ">")
    return pc.replace_substring_regex(values, _AMPERSAND, "&")
