"""Bytes of a page to text, the twin of the core's on other libraries.

Order of evidence: byte order mark, HTTP header, what the document declares about itself (meta
elements, XML declaration), detection. Labels mean what the WHATWG Encoding standard says they
mean on the web (`iso-8859-1` is windows-1252, `gb2312` is gb18030 ...). A declaration that the
bytes plainly contradict is overruled, by these rules and no others:

- declared UTF-8, but more sequences are broken than one in ten (or a handful): not UTF-8;
- declared a legacy charset, but the bytes are valid UTF-8 with characters beyond ASCII: UTF-8;
- declared a multi-byte legacy charset that cannot decode more than one character in ten: not it.

Decoding never fails: bytes without a meaning become U+FFFD. It depends on the bytes and the
header only. Undoing content codings (gzip, br ...) is the reader's work, not done here.
"""

import codecs
import contextlib
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

__all__ = ["codec_for_label", "declared_in_document", "decode"]

# The standard looks at 1024 bytes; pages with a long comment or script before their meta element
# are common enough in old crawls that we look at four times as much (our choice).
PRESCAN_BYTES = 4096

# A declared charset is kept while at most this share of what it should explain is broken, and
# this many broken characters are always forgiven (a cut-off end, one pasted quote): our choice.
MAX_BROKEN_SHARE = 0.1
FORGIVEN = 3

# Fewer bytes beyond ASCII than this that happen to be valid UTF-8 prove nothing against a
# multi-byte legacy charset which explains them too.
MIN_UTF8_PROOF_BYTES = 12

# Detection reads at most this many bytes, markup removed: what helps is text beyond ASCII, and
# more of it does not change the verdict (our choice).
DETECTION_BYTES = 1 << 17

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

# Python's codec of the WHATWG name, where the plain name would be a smaller character set.
_WIDER = {
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
}
# Labels that the mapping lacks.
_EXTRA_LABELS = {
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ukrainian": "mac_cyrillic",
    "utf-8-sig": "utf-8",
    # Names of the detector and of servers that speak Windows.
    "cp932": "cp932",
    "cp936": "gb18030",
    "cp949": "cp949",
    "cp950": "big5hkscs",
}
# The standard maps these to "replacement", a decoder of nothing: treated as no declaration.
_NOT_FOR_THE_WEB = frozenset(
    ["utf-7", "iso-2022-kr", "csiso2022kr", "iso-2022-cn", "iso-2022-cn-ext", "hz-gb-2312"]
)
_UTF16 = frozenset(["utf-16-le", "utf-16-be"])
_MULTI_BYTE = frozenset(["gb18030", "cp932", "cp949", "big5hkscs", "euc_jp", "iso2022_jp"])

_HTTP_CHARSET = re.compile(r"charset\s*+=\s*+[\"']?\s*+([\w.:+-]++)", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    # A name begins once, and a value that is not closed goes on to the end: linear.
    rb"""(?<![a-zA-Z-])([a-zA-Z-]++)\s*+=\s*+(?:"([^"]*+)"?|'([^']*+)'?|([^\s"'>]++))""",
)
_CONTENT_CHARSET = re.compile(rb"charset\s*+=\s*+[\"']?\s*+([\w.:+-]++)", re.IGNORECASE)
_XML_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']\s*([\w.:+-]+)", re.IGNORECASE)
_MARKUP = re.compile(rb"<(script|style)\b.*?(?:</\1\s*>|\Z)|<[^>]*+>?", re.IGNORECASE | re.DOTALL)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_WORD_BEYOND_ASCII = re.compile(rb"(?<![A-Za-z\x80-\xff])[A-Za-z]*+[\x80-\xff][A-Za-z\x80-\xff]*+")


def codec_for_label(label: str) -> str | None:
    """Python codec for a charset label as found on the web, or None where it names none.

    Follows the label table of the WHATWG Encoding standard, with Python's widest codec of each
    family; labels that the standard disables give None.
    """
    name = label.strip().lower()
    if name in _NOT_FOR_THE_WEB:
        return None
    if name in _EXTRA_LABELS:
        return _EXTRA_LABELS[name]
    mapped = map_encoding_to_html5(name, fallback_utf8=False)
    if mapped is None:
        return None
    return _WIDER.get(mapped, mapped)


def declared_in_document(body: bytes) -> str | None:
    """Codec that the document declares for itself in its first bytes, or None.

    Looks for `<meta charset>`, `<meta http-equiv=content-type content=...>` and an XML
    declaration, outside comments. UTF-16 found this way means UTF-8, as in the standard: the
    declaration itself was read as ASCII.
    """
    head = _COMMENT.sub(b"", body[:PRESCAN_BYTES])
    for element in _META.finditer(head):
        attributes: dict[bytes, bytes] = {}
        for name, *values in _ATTRIBUTE.findall(element[1]):
            attributes.setdefault(name.lower(), next((v for v in values if v), b""))
        label = attributes.get(b"charset")
        if label is None and attributes.get(b"http-equiv", b"").lower() == b"content-type":
            match = _CONTENT_CHARSET.search(attributes.get(b"content", b""))
            label = match[1] if match else None
        if label is not None:
            codec = codec_for_label(label.decode("latin-1"))
            if codec is not None:
                return "utf-8" if codec in _UTF16 else codec
    match = _XML_DECLARATION.match(head)
    if match is None:
        return None
    codec = codec_for_label(match[1].decode("latin-1"))
    return "utf-8" if codec in _UTF16 else codec


def decode(body: bytes, http_content_type: str | None = None) -> tuple[str, str]:
    """Text of `body`, and `codec:how`, where how is `bom`, `http`, `meta`, `ascii`, `utf-8`
    (the bytes prove it against or without a declaration) or `detected`.
    """
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return _decode(body[len(bom) :], codec), f"{codec}:bom"
    beyond_ascii = _BEYOND_ASCII.search(body) is not None
    try:
        utf8: str | None = body.decode("utf-8")
    except UnicodeDecodeError:
        utf8 = None
    for how, declared in (
        ("http", _declared_in_header(http_content_type)),
        ("meta", declared_in_document(body)),
    ):
        if declared is None:
            continue
        text = _if_plausible(body, declared, utf8 if beyond_ascii else None)
        if text is not None:
            return text, f"{declared}:{how}"
    if utf8 is not None:
        return utf8, "utf-8:utf-8" if beyond_ascii else "utf-8:ascii"
    text = _if_plausible(body, "utf-8", None)
    if text is not None:
        return text, "utf-8:utf-8"
    codec = _detect(body)
    return _decode(body, codec), f"{codec}:detected"


def _declared_in_header(content_type: str | None) -> str | None:
    match = _HTTP_CHARSET.search(content_type or "")
    return codec_for_label(match[1]) if match else None


def _if_plausible(body: bytes, codec: str, utf8: str | None) -> str | None:
    """Text of `body` by the declared `codec`, or None where the bytes contradict it.

    `utf8` is the text by UTF-8 where that is valid and says something (has more than ASCII).
    """
    if codec == "utf-8":
        if utf8 is not None:
            return utf8
        text = body.decode("utf-8", "replace")
        # Fine but for its end: cut off inside a character.
        with contextlib.suppress(UnicodeDecodeError):
            codecs.getincrementaldecoder("utf-8")().decode(body)
            return text
        return text if _few_broken(text, body.count(b"\xef\xbf\xbd")) else None
    if utf8 is not None and codec not in _UTF16:
        if codec not in _MULTI_BYTE:
            return None
        proof = sum(len(run) for run in _BEYOND_ASCII.findall(body))
        if proof >= MIN_UTF8_PROOF_BYTES:
            return None
    text = _decode(body, codec)
    if codec in _UTF16:
        # A wrong guess of UTF-16 gives no markup at all.
        return text if "<" in text and _few_broken(text, 0) else None
    if codec in _MULTI_BYTE and not _few_broken(text, 0):
        return None
    return text


def _few_broken(text: str, already_there: int) -> bool:
    broken = text.count("\ufffd") - already_there
    if broken <= 0:
        return True
    good = sum(1 for character in text if character > "\x7f") - broken
    if broken <= FORGIVEN and good > broken:
        return True
    return broken <= MAX_BROKEN_SHARE * good


def _decode(body: bytes, codec: str) -> str:
    """Text of `body`; bytes without a meaning become U+FFFD, or C1 controls in windows-125x."""
    if codec.startswith("cp125"):
        # The standard's windows-125x give every byte a meaning; Python's leave gaps.
        return body.decode(codec, "webtext-c1")
    return body.decode(codec, "replace")


def _detect(body: bytes) -> str:
    """Codec by statistics over the text parts of a page that declares nothing usable.

    The detector is uchardet as resiliparse packs it: on 600-byte samples of the languages we
    have text of it was right more often than cchardet and charset-normalizer, and faster.
    """
    text = _MARKUP.sub(b" ", body[: 8 * DETECTION_BYTES])[:DETECTION_BYTES]
    codec = _guess(text)
    if codec in _MULTI_BYTE and _few_broken(_decode(text, codec), 0):
        return codec
    # Single-byte: the words with bytes beyond ASCII carry the evidence, the others dilute it.
    words = b" ".join(_WORD_BEYOND_ASCII.findall(text) or _WORD_BEYOND_ASCII.findall(body))
    codec = _guess(words[:DETECTION_BYTES])
    # The bytes are not UTF-8 (tried before), so that answer means that nothing was found; what is
    # most common on the web then is windows-1252.
    if codec is None or codec == "utf-8" or codec in _UTF16 or codec in _MULTI_BYTE:
        return "cp1252"
    return codec


def _guess(data: bytes) -> str | None:
    name = detect_encoding(data, max_len=DETECTION_BYTES, html5_compatible=False)
    return None if name is None else codec_for_label(name)


def _c1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    gap = error.object[error.start : error.end]
    return "".join(chr(byte) for byte in gap), error.end


codecs.register_error("webtext-c1", _c1)
