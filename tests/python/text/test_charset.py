"""Charset by byte order mark, header, declaration, detection; and when a declaration is overruled.

Expected texts are what was encoded; labels and their meaning are from the WHATWG Encoding
standard's table.
"""

import pytest

from webtext_py.text.charset import codec_for_label, declared_in_document, decode

FRENCH = "<p>Où est passé l'été ? Ça coûte 5 €, « déjà ».</p>"
GERMAN = "<p>Die Größe der Häuser in Zürich überrascht höfliche Gäste jedes Mal.</p>"
RUSSIAN = (
    "<p>Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива "
    "по-своему. Всё смешалось в доме Облонских.</p>"
)
JAPANESE = "<p>吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。</p>"
CHINESE = "<p>道可道，非常道。名可名，非常名。无名天地之始；有名万物之母。故常无欲以观其妙。</p>"
KOREAN = "<p>고려 시대의 역사와 문화에 대한 연구가 활발히 진행되고 있다. 나라의 말이 다르다.</p>"


def meta(charset: str) -> str:
    return f'<html><head><meta charset="{charset}"></head><body>'


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF-8", "utf-8"),
        (" utf8 ", "utf-8"),
        ("unicode-1-1-utf-8", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("Latin1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("iso-8859-9", "cp1254"),
        ("gb2312", "gb18030"),
        ("GBK", "gb18030"),
        ("big5", "big5hkscs"),
        ("Shift_JIS", "cp932"),
        ("x-sjis", "cp932"),
        ("euc-jp", "euc_jp"),
        ("ks_c_5601-1987", "cp949"),
        ("euc-kr", "cp949"),
        ("windows-1251", "cp1251"),
        ("koi8-r", "koi8-r"),
        ("tis-620", "cp874"),
        ("x-mac-cyrillic", "mac_cyrillic"),
        ("utf-7", None),
        ("hz-gb-2312", None),
        ("iso-2022-kr", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_labels(label: str, codec: str | None) -> None:
    assert codec_for_label(label) == codec
    if codec is not None:
        assert b"abc".decode(codec) == "abc"


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b'<meta charset="windows-1251">', "cp1251"),
        (b"<META CHARSET=windows-1251>", "cp1251"),
        (b"<meta charset = 'windows-1251' />", "cp1251"),
        (b'<meta name="x" content="y"><meta charset="koi8-r">', "koi8-r"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">', "cp932"),
        (b"<meta content='text/html;charset=big5' http-equiv=content-type>", "big5hkscs"),
        (b'<meta name="note" content="text/html; charset=big5">', None),
        (b'<?xml version="1.0" encoding="ISO-8859-2"?><html>', "iso8859-2"),
        (b'<!-- <meta charset="koi8-r"> --><meta charset="utf-8">', "utf-8"),
        (b'<!-- never closed <meta charset="koi8-r">', None),
        (b'<meta charset="utf-16">', "utf-8"),
        (b'<meta charset="unheard-of"><meta charset="cp1252">', "cp1252"),
        (b" " * 3000 + b'<meta charset="koi8-r">', "koi8-r"),
        (b" " * 5000 + b'<meta charset="koi8-r">', None),
        (b"<p>no declaration</p>", None),
        (b"", None),
    ],
)
def test_declarations(head: bytes, codec: str | None) -> None:
    assert declared_in_document(head) == codec


@pytest.mark.parametrize(
    ("body", "header", "text", "how"),
    [
        # The order of evidence.
        (b"\xef\xbb\xbf" + FRENCH.encode(), "text/html; charset=koi8-r", FRENCH, "utf-8:bom"),
        (b"\xff\xfe" + FRENCH.encode("utf-16-le"), None, FRENCH, "utf-16-le:bom"),
        (b"\xfe\xff" + FRENCH.encode("utf-16-be"), None, FRENCH, "utf-16-be:bom"),
        (FRENCH.encode("cp1252"), 'text/html; Charset="ISO-8859-1"', FRENCH, "cp1252:http"),
        (
            (meta("koi8-r") + RUSSIAN).encode("cp1251"),
            "text/html;charset=windows-1251",
            meta("koi8-r") + RUSSIAN,
            "cp1251:http",
        ),
        (
            (meta("windows-1251") + RUSSIAN).encode("cp1251"),
            "text/html",
            meta("windows-1251") + RUSSIAN,
            "cp1251:meta",
        ),
        (
            (meta("windows-1251") + RUSSIAN).encode("cp1251"),
            "text/html; charset=made-up",
            meta("windows-1251") + RUSSIAN,
            "cp1251:meta",
        ),
        (FRENCH.encode("utf-16-le"), "text/html; charset=utf-16", FRENCH, "utf-16-le:http"),
        (FRENCH.encode(), None, FRENCH, "utf-8:utf-8"),
        (b"<p>plain</p>", None, "<p>plain</p>", "utf-8:ascii"),
        (b"", None, "", "utf-8:ascii"),
        # Declarations that the bytes contradict.
        (FRENCH.encode("cp1252"), "text/html; charset=utf-8", FRENCH, "cp1252:detected"),
        (
            (meta("windows-1251") + RUSSIAN).encode("cp1251"),
            "text/html; charset=utf-8",
            meta("windows-1251") + RUSSIAN,
            "cp1251:meta",
        ),
        (FRENCH.encode(), "text/html; charset=iso-8859-1", FRENCH, "utf-8:utf-8"),
        ("<p>café</p>".encode(), "text/html; charset=latin1", "<p>café</p>", "utf-8:utf-8"),
        ((meta("latin1") + FRENCH).encode(), None, meta("latin1") + FRENCH, "utf-8:utf-8"),
        (JAPANESE.encode(), "text/html; charset=shift_jis", JAPANESE, "utf-8:utf-8"),
        (CHINESE.encode(), "text/html; charset=gb2312", CHINESE, "utf-8:utf-8"),
        (b"<p>all ascii</p>", "text/html; charset=utf-16", "<p>all ascii</p>", "utf-8:ascii"),
        # Declarations that stand.
        (JAPANESE.encode("cp932"), "text/html; charset=x-sjis", JAPANESE, "cp932:http"),
        (CHINESE.encode("gb18030"), "text/html; charset=gb2312", CHINESE, "gb18030:http"),
        (KOREAN.encode("cp949"), "text/html; charset=euc-kr", KOREAN, "cp949:http"),
        (
            JAPANESE.encode("iso2022_jp"),
            "text/html; charset=iso-2022-jp",
            JAPANESE,
            "iso2022_jp:http",
        ),
        # Two characters of GBK whose bytes happen to be valid UTF-8.
        (b"<p>\xc4\xa3\xc4\xa3</p>", "text/html; charset=gbk", "<p>模模</p>", "gb18030:http"),
    ],
)
def test_decode(body: bytes, header: str | None, text: str, how: str) -> None:
    assert decode(body, header) == (text, how)


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        (GERMAN * 3, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (CHINESE, "gb18030"),
        (KOREAN, "cp949"),
    ],
)
def test_detection(text: str, codec: str) -> None:
    # Scripts and styles say nothing about the charset of the text.
    page = f"<html><style>p {{color: red}}</style><script>var a = 'b';</script>{text * 2}</html>"
    found, how = decode(page.encode(codec))
    assert found == page
    assert how == f"{codec}:detected"


def test_a_few_broken_characters_do_not_unmake_utf_8() -> None:
    cut = FRENCH.encode()[: FRENCH.encode().index("é".encode()) + 1]  # ends inside a character
    assert decode(cut, "text/html; charset=utf-8") == (
        cut.decode("utf-8", "replace"),
        "utf-8:http",
    )
    body = (GERMAN * 20).encode() + b"<p>\x93quoted\x94</p>"  # one quote pasted from Windows
    text, how = decode(body)
    assert how == "utf-8:utf-8"
    assert text.count("\ufffd") == 2
    # A page that speaks of the replacement character is no broken page.
    assert decode("<p>\ufffd\ufffd\ufffd\ufffd\ufffd</p>".encode(), "text/html; charset=utf-8")[
        1
    ] == ("utf-8:http")


def test_every_byte_of_windows_1252_has_a_meaning() -> None:
    text, _ = decode(bytes(range(256)), "text/html; charset=windows-1252")
    # The standard's table: the five bytes that Windows leaves open are C1 controls.
    assert [text[byte] for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)] == [
        "\x81",
        "\x8d",
        "\x8f",
        "\x90",
        "\x9d",
    ]
    assert text[0x80] == "€"
    assert "\ufffd" not in text
