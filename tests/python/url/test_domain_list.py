"""Lists of domains from users: what they may say, and the message where they may not."""

from pathlib import Path

import pytest

from webtext_py.errors import InputError
from webtext_py.url.domain_list import load_domain_list
from webtext_py.url.rules import UrlRules


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "domains.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_forms(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "\ufeff# ours\n\nExample.COM  # why\r\n*.below.example\nbücher.example\nroot.example.\n"
        "www.site.example\nm.youtube.com\nco.uk\ngov\n   \nexample.com\n",
    )
    assert load_domain_list(path) == {
        "example.com",
        "*.below.example",
        "xn--bcher-kva.example",
        "root.example",
        "site.example",
        "youtube.com",
        "co.uk",
        "gov",
    }
    rules = UrlRules.default(load_domain_list(str(path)))
    for url in (
        "https://bücher.example/a",
        "http://a.b.example.com/",
        "http://www.fbi.gov/",
        "http://www.bbc.co.uk/news",
        "http://a.below.example/",
        "http://www.site.example/",
    ):
        assert rules.reason(url) == "excluded_domain", url
    for url in ("http://below.example/", "http://www.gov.uk/", "http://example.com.au/"):
        assert rules.reason(url) is None, url


def test_empty_file_excludes_nothing(tmp_path: Path) -> None:
    assert load_domain_list(write(tmp_path, "# nothing yet\n")) == frozenset()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("http://example.com/", "the URL `http://example.com/`"),
        ("example.com/path", "the URL `example.com/path`"),
        ("//example.com", "the URL `//example.com`"),
        ("0.0.0.0 example.com", "expected one domain"),
        ("example.com, example.org", "expected one domain"),
        ("example.com,example.org", "no domain"),
        ("example.com:80", "no domain"),
        ("user@example.com", "no domain"),
        ("exa*mple.com", "no domain"),
        ("*.*.example.com", "no domain"),
        ("*", "no domain"),
        ("*.", "no domain"),
        (".example.com", "no domain"),
        ("a..example.com", "no domain"),
        ("example", "no domain"),
        ("||example.com^", "no domain"),
        ("[::1]", "no domain"),
        ("exa%6Dple.com", "no domain"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, line: str, found: str) -> None:
    path = write(tmp_path, f"# head\nexample.org\n{line}\n")
    with pytest.raises(InputError) as caught:
        load_domain_list(path)
    assert str(caught.value).startswith(f"line 3 of `{path}`: ")
    assert found in str(caught.value)
    assert caught.value.hint is not None


def test_files_that_are_no_lists(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_domain_list(tmp_path / "none.txt")
    with pytest.raises(InputError, match="is a folder"):
        load_domain_list(tmp_path)
    with pytest.raises(InputError, match="not UTF-8 text: byte 0xff at 3"):
        load_domain_list(write(tmp_path, b"a.b\xff"))
