"""Drop rules: each reason, their order, what stays, and the lists themselves."""

import pickle
from pathlib import Path

import pyarrow as pa
import pytest

import webtext_py.url
from webtext_py.url.host import parsed_host, registrable_domain
from webtext_py.url.key import url_key, url_keys
from webtext_py.url.list_file import read_hosts, read_list
from webtext_py.url.rules import REASONS, UrlRules

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
HOST_LISTS = (
    "media_hosts",
    "self_hosts",
    "shorteners",
    "wikipedia_mirrors",
    "not_wikipedia",
    "www_differs",
)

TABLE = [
    ("ftp://example.com/a", "not_http"),
    ("example.com", "not_http"),
    ("http://bad.example/a", "excluded_domain"),
    ("https://www.deep.bad.example/a.jpg", "excluded_domain"),
    ("http://below.example/a", None),
    ("http://sub.below.example/a", "excluded_domain"),
    ("http://notbad.example/a", None),
    ("http://www.reddit.com/r/pics/", "self_link"),
    ("http://np.reddit.com/r/pics/a.jpg", "self_link"),
    ("https://redd.it/abc", "self_link"),
    ("https://i.redditmedia.com/a.png", "self_link"),
    ("http://redditblog.com/a", None),
    ("http://notreddit.com/a", None),
    ("http://en.m.wikipedia.org/wiki/Cat", "wikipedia_host"),
    ("http://web.archive.org/web/2010/http://en.wikipedia.org/wiki/Cat", "wikipedia_host"),
    ("http://web.archive.org/web/2010/http://example.com/", None),
    ("http://imgur.com/a/b", "media_host"),
    ("http://i.imgur.com/abc.jpg", "media_host"),
    ("https://i.redd.it/abc.jpg", "media_host"),
    ("https://v.redd.it/abc", "media_host"),
    ("http://m.youtube.com/watch?v=a", "media_host"),
    ("https://youtu.be/abc", "media_host"),
    ("http://farm9.staticflickr.com/1/2.jpg", "media_host"),
    ("https://gfycat.com/Abc", "media_host"),
    ("https://upload.wikimedia.org/wikipedia/commons/4/41/Cat.png", "media_host"),
    ("https://pbs.twimg.com/media/a.jpg:large", "media_host"),
    ("http://video.google.com/videoplay?docid=1", "media_host"),
    ("http://www.google.com/search?q=a", None),
    ("http://adf.ly/abc", "shortener"),
    ("http://tr.im/abc", "shortener"),
    ("http://bit.ly/abc", None),
    ("http://example.com/a.jpg", "media_file"),
    ("http://example.com/a.JPG?w=300", "media_file"),
    ("http://example.com/a%2Ejpg", "media_file"),
    ("http://example.com/last%20photo.jpg", "media_file"),
    ("http://example.com/a.tar.gz", "not_html_file"),
    ("http://example.com/a.mp3#t=1", "media_file"),
    ("http://example.com/a.webm", "media_file"),
    ("http://example.com/a.PDF", "not_html_file"),
    ("http://example.com/a.zip", "not_html_file"),
    ("http://example.com/a.apk", "not_html_file"),
    ("http://example.com/a.docx", "not_html_file"),
    ("http://example.com/a.jpg.html", None),
    ("http://example.com/a.jpg/", None),
    ("http://example.com/jpg", None),
    ("http://example.com/.jpg", None),
    ("http://example.com/a.html?file=b.jpg", None),
    ("http://example.com/#!/a.jpg", None),
    ("http://example.jpg/", None),
    ("http://commons.wikimedia.org/wiki/File:Cat.jpg", None),
    ("http://example.com/rfc2616.txt", None),
    ("http://example.com/go/example.com", None),
    ("http://cgi.ebay.com/ws/eBayISAPI.dll?ViewItem&item=1", None),
    ("http://example.com/story.ece", None),
    ("http://example.com/", None),
    ("http://[::1]/a.png", "media_file"),
    ("http://example.com:8080/a.png", "media_file"),
]


def rules() -> UrlRules:
    return UrlRules.default(exclude_domains=frozenset({"bad.example", "*.below.example"}))


@pytest.mark.parametrize(("url", "reason"), TABLE)
def test_reason(url: str, reason: str | None) -> None:
    assert rules().reason(url) == reason
    key = url_key(url)
    if key is not None:
        assert rules().reason(key) == reason


def test_column_equals_one_by_one() -> None:
    keys = url_keys(pa.array([url for url, _ in TABLE]))
    assert rules().reasons(keys).to_pylist() == [reason for _, reason in TABLE]
    assert {reason for _, reason in TABLE} == {*REASONS, None}


def test_first_rule_in_the_order_of_reasons_counts() -> None:
    assert (
        UrlRules.default(frozenset({"reddit.com"})).reason("http://reddit.com/a.jpg") == REASONS[1]
    )
    assert UrlRules.default(frozenset({"wikipedia.org"})).reason(
        "http://en.wikipedia.org/a.jpg"
    ) == ("excluded_domain")
    assert rules().reason("http://en.wikipedia.org/a.jpg") == "wikipedia_host"
    assert rules().reason("http://i.imgur.com/a.pdf") == "media_host"


def test_rules_can_be_sent_to_a_worker() -> None:
    ours = rules()
    ours.reason("http://imgur.com/a")
    theirs = pickle.loads(pickle.dumps(ours))
    assert theirs == ours
    assert theirs.reason("http://imgur.com/a") == "media_host"


@pytest.mark.parametrize("name", HOST_LISTS)
def test_hosts_are_in_canonical_form_once(name: str) -> None:
    hosts = [row[0] for row in read_list(name)]
    assert hosts
    assert len(set(hosts)) == len(hosts)
    assert all(len(row) == 1 for row in read_list(name))
    if name != "www_differs":
        assert [parsed_host(host) for host in hosts] == hosts


def test_aliases_end() -> None:
    rows = read_list("same_site")
    aliases = {alias for alias, _ in rows}
    assert len(aliases) == len(rows)
    for alias, site in rows:
        assert site not in aliases
        assert not site.startswith(("www.", "*.www."))
        assert alias.startswith("*.") == site.startswith("*.")
        host = alias.replace("*", "some")
        assert parsed_host(host) == site.replace("*", "some")


def test_tracking_list_names_each_parameter_once_and_no_content_parameter() -> None:
    rows = read_list("tracking_params")
    everywhere = [row[0].lower() for row in rows if len(row) == 1]
    assert len(set(everywhere)) == len(everywhere)
    assert not {"id", "cid", "p", "v", "source", "ref", "sid", "page", "q"} & set(everywhere)
    for row in rows:
        assert all(parsed_host(site) == site for site in row[1:]), row
        assert len(row) == 1 or not row[0].endswith("*"), row
    assert all(len(name) > 4 for name in everywhere if name.endswith("*"))


def test_endings_are_lower_case_and_in_one_list() -> None:
    media, files = read_hosts("media_endings"), read_hosts("file_endings")
    assert not media & files
    assert all(name.isalnum() and name == name.lower() and len(name) <= 7 for name in media | files)


def test_webtext_top_domains_are_dropped_only_with_a_stated_reason(shared_data: Path) -> None:
    lines = (shared_data / "gpt2" / "domains.txt").read_text(encoding="utf-8").splitlines()
    names = {line.split()[1].lower() for line in lines if len(line.split()) == 2}
    assert len(names) == 999  # 1,000 lines, one of them without a name
    dropped = {
        host
        for host in read_hosts("media_hosts") | read_hosts("shorteners")
        if registrable_domain(host) == host and host.partition(".")[0] in names
    }
    text = (FIXTURES / "webtext_domain_exceptions.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")][1:]
    assert all(len(row) == 2 and row[1] for row in rows)
    assert {row[0] for row in rows} == dropped


def test_lists_say_where_they_come_from() -> None:
    paths = sorted((Path(webtext_py.url.__file__).parent / "lists").glob("*.txt"))
    assert len(paths) == 11
    for path in paths:
        head = path.read_text(encoding="utf-8").split("\n\n", 1)[0].lower()
        assert "source" in head or "our choice" in head or "documents it" in head, path.name
