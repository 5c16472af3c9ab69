"""Wikipedia by address: a table made by hand, and one answer for a URL and its key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext_py.url.key import url_key
from webtext_py.wikipedia.hosts import is_wikipedia

WIKIPEDIA = [
    # editions and its own hosts
    "http://en.wikipedia.org/wiki/Cat",
    "https://de.wikipedia.org/wiki/Katze",
    "https://zh-min-nan.wikipedia.org/wiki/Niau",
    "http://simple.wikipedia.org/wiki/Cat",
    "http://wikipedia.org/wiki/Galaxy_Quest",
    "https://www.wikipedia.org/",
    "http://www.wikipedia.org/wiki/Cat",
    "http://en.m.wikipedia.org/wiki/Cat",
    "http://m.wikipedia.org/wiki/Cat",
    "http://mobile.wikipedia.org/transcode.php?go=Cat",
    "http://en.zero.wikipedia.org/wiki/Cat",
    "http://en.wikipedia.org/w/index.php?title=Cat&oldid=12",
    "http://en.wikipedia.org/?curid=6678",
    "http://EN.WIKIPEDIA.ORG./wiki/Cat",
    "http://user@en.wikipedia.org:80/wiki/Cat",
    "http://en.%77ikipedia.org/wiki/Cat",
    "http://en.wikipedia.com/wiki/Michael_Fagan_incident",
    "http://www.wikipedia.de/",
    "http://wikipedia.co.uk/",
    "https://secure.wikimedia.org/wikipedia/en/wiki/Banana_equivalent_dose",
    "http://ja.wikipedia.org/wiki/%E7%8C%AB",
    "http://sv.wikipedia.org/wiki/Fil:Katt.jpg",
    # mirrors and proxies that say so
    "https://www.wikiwand.com/en/Cat",
    "http://en.wikibedia.ru/wiki/Cat",
    "http://wikipedia.thefreedictionary.com/Cat",
    "http://encyclopedia.thefreedictionary.com/Cat",
    "http://en.wikipedia.org.proxy.lib.example.edu/wiki/Cat",
    "http://wikipedia.example.com/Cat",
    "http://schools-wikipedia.org/wp/c/Cat.htm",
    "https://wiki2.org/en/Cat",
    "http://wapedia.mobi/en/Cat",
    "http://deletionpedia.org/en/Cat",
    "http://en.wikipedia.org.nyud.net/wiki/Cat",
    # kept or shown by others
    "http://web.archive.org/web/20100101000000/http://en.wikipedia.org/wiki/Cat",
    "https://web.archive.org/web/2010*/http://en.wikipedia.org/wiki/Cat",
    "https://web.archive.org/web/20150101id_/https://en.m.wikipedia.org/wiki/Cat",
    "http://web.archive.org/web/2010/en.wikipedia.org/wiki/Cat",
    "http://web.archive.org/web/2010/http:/en.wikipedia.org/wiki/Cat",
    "http://web.archive.org/web/2010/http%3A%2F%2Fen.wikipedia.org%2Fwiki%2FCat",
    "http://web.archive.org/web/2010/http://EN.Wikipedia.org/wiki/Cat",
    "http://archive.org/web/2010/http://en.wikipedia.org/wiki/Cat",
    "https://web.archive.org/web/2016/https://www.wikiwand.com/en/Cat",
    "http://archive.is/2013.01.02-030405/http://en.wikipedia.org/wiki/Cat",
    "https://archive.today/newest/https://en.wikipedia.org/wiki/Cat",
    "https://archive.ph/https://en.wikipedia.org/wiki/Cat",
    "http://www.webcitation.org/query?url=http%3A%2F%2Fen.wikipedia.org%2Fwiki%2FCat&date=2010",
    "http://megalodon.jp/2013-0101-0000-00/ja.wikipedia.org/wiki/Cat",
    "http://webcache.googleusercontent.com/search?q=cache:en.wikipedia.org/wiki/Cat",
    "http://webcache.googleusercontent.com/search?q=cache:AbCdEfGh_123:en.wikipedia.org/wiki/Cat+cat",
    "http://www.google.com/search?q=cache:http://en.wikipedia.org/wiki/Cat",
    "http://translate.google.com/translate?hl=en&sl=de&u=http://de.wikipedia.org/wiki/Katze",
    "http://translate.google.co.uk/translate?u=http%3A%2F%2Fde.wikipedia.org%2Fwiki%2FKatze",
    "http://translate.googleusercontent.com/translate_c?u=http://de.wikipedia.org/wiki/Katze",
    "https://de-m-wikipedia-org.translate.goog/wiki/Katze?_x_tr_sl=de",
    "http://www.microsofttranslator.com/bv.aspx?from=&to=en&a=http://de.wikipedia.org/wiki/Katze",
    "http://www.google.com/url?sa=t&url=http%3A%2F%2Fen.wikipedia.org%2Fwiki%2FCat",
    "http://www.google.com/url?q=http://en.wikipedia.org/wiki/Cat",
    "https://www.google.com/amp/s/en.m.wikipedia.org/wiki/Cat",
    "https://cdn.ampproject.org/c/s/en.m.wikipedia.org/wiki/Cat",
    "http://href.li/?http://en.wikipedia.org/wiki/Cat",
    "http://web.archive.org/web/2012/http://translate.google.com/translate?u=de.wikipedia.org/wiki/K",
]

OTHERS = [
    # Wikimedia's other sites
    "http://blog.wikimedia.org/2013/04/22/wikipedia-adopts-mariadb/",
    "https://commons.wikimedia.org/wiki/File:Cat.jpg",
    "https://upload.wikimedia.org/wikipedia/commons/4/41/Cat.png",
    "https://secure.wikimedia.org/wiktionary/en/wiki/cat",
    "http://meta.wikimedia.org/wiki/Wikipedia",
    "http://en.wiktionary.org/wiki/cat",
    "http://en.wikiquote.org/wiki/Cat",
    "http://en.wikinews.org/wiki/Wikipedia",
    "http://en.wikisource.org/wiki/Cat",
    "https://www.mediawiki.org/wiki/MediaWiki",
    "http://lists.wikimedia.org/pipermail/wikipedia-l/",
    # sites about it, or with its name for something else
    "http://wikipediareview.com/topic",
    "http://www.wikipedia-watch.org/",
    "http://wikipediocracy.com/2013/",
    "http://wikipedia.blogspot.com/2010/a.html",
    "http://wikipedia.tumblr.com/post/1",
    "http://wikipedia.wordpress.com/",
    "http://notwikipedia.org/",
    "http://wikipedias.org/wiki/Cat",
    "http://wikipediaorg.example.com/",
    "http://example.wikipedia/",
    # other wikis
    "http://dc.wikia.com/wiki/Hemo-Goblin",
    "https://www.wikihow.com/Create-Invisible-Shelves",
    "http://wikileaks.org/cable",
    "http://wiki.python.org/moin/WikiAttack2013",
    "http://uncyclopedia.wikia.com/wiki/Wikipedia",
    "http://www.conservapedia.com/Wikipedia",
    # pages that speak of it
    "http://xefer.com/wikipedia",
    "http://who.is/whois/wikipedia.org/",
    "http://www.wired.com/business/2009/05/wikipedia-bans-church-of-scientology/",
    "http://example.com/?u=http://en.wikipedia.org/wiki/Cat",
    "http://example.com/http://en.wikipedia.org/wiki/Cat",
    "http://example.com/#!http://en.wikipedia.org/",
    "http://en.wikipedia.org@example.com/wiki/Cat",
    # others' pages in archives, caches, translators
    "http://web.archive.org/web/2010/http://example.com/wikipedia.org",
    "http://web.archive.org/web/2010/http://example.com/?u=http://en.wikipedia.org/wiki/Cat",
    "http://web.archive.org/web/2010/example.com/?u=http://en.wikipedia.org/wiki/Cat",
    "http://web.archive.org/web/2010/http://en.wiktionary.org/wiki/cat",
    "http://web.archive.org/",
    "http://archive.org/details/wikipedia-dump-20100101",
    "http://archive.is/AbCd",
    "http://webcache.googleusercontent.com/search?q=cache:example.com/+wikipedia.org",
    "http://www.google.com/search?q=en.wikipedia.org",
    "http://www.google.com/search?q=cats+site:en.wikipedia.org",
    "http://translate.google.com/translate?u=http://example.com/wikipedia",
    "http://translate.google.com/translate?hl=de.wikipedia.org",
    "http://translate.google.example.com/translate?u=http://de.wikipedia.org/",
    "http://translate.google.com/",
    # no http(s) URLs
    "ftp://en.wikipedia.org/",
    "en.wikipedia.org/wiki/Cat",
    "wikipedia",
    "",
]


@pytest.mark.parametrize("url", WIKIPEDIA)
def test_is_wikipedia(url: str) -> None:
    assert is_wikipedia(url)


@pytest.mark.parametrize("url", OTHERS)
def test_is_not_wikipedia(url: str) -> None:
    assert not is_wikipedia(url)


@pytest.mark.parametrize("url", [url for url in WIKIPEDIA + OTHERS if url_key(url)])
def test_key_gets_the_same_answer(url: str) -> None:
    assert is_wikipedia(url_key(url) or "") == is_wikipedia(url)


_PARTS = [
    "http://",
    "https:/",
    "web.archive.org/web/2010/",
    "en.wikipedia.org",
    "/wiki/Cat",
    "translate.google.com/?u=",
    "example.com/",
    "%2F",
    "?u=",
    "?q=cache:",
    "+",
    "#!",
    ".",
]


@given(st.lists(st.sampled_from(_PARTS), max_size=12).map("".join))
def test_nested_addresses_end(tail: str) -> None:
    url = f"http://web.archive.org/web/2010/{tail}"
    key = url_key(url)
    assert is_wikipedia(url) == (key is not None and is_wikipedia(key))
