"""Links that end in the stages `pages` and `extract`: no good capture, or no document in it."""

from case import Case, after, answer, capture, html, redirect, simple
from prose import Prose

BOT_WALL = b"""<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><div class="main-wrapper"><h1>bargainrail.example</h1><h2>Checking if the site connection is secure</h2>
<noscript><p>Enable JavaScript and cookies to continue</p></noscript>
<p>Checking your browser before accessing bargainrail.example. This process is automatic. Your browser will redirect to your requested content shortly. Please allow up to 5 seconds.</p>
<p>bargainrail.example needs to review the security of your connection before proceeding. Verify you are human by completing the action below. If you are not a robot and this page does not go away, please enable cookies and reload the page. Requests from your network have looked automated in the last few minutes, which can happen when many people share one address.</p>
<p>Ray ID: 5f3a9c0d1e2b4a67. DDoS protection by EdgeGuard. Performance and security by EdgeGuard.</p></div></body></html>"""

SOFT_404 = b"""<!DOCTYPE html><html lang="en"><head><title>Page not found - The Harbour Post</title></head>
<body><div id="masthead"><a href="/">The Harbour Post</a></div><div id="story"><h1>Page not found</h1>
<p>Sorry, the page you are looking for could not be found. It may have been moved, renamed or deleted, or perhaps the address was typed with a mistake in it.</p>
<p>You can go back to the front page, use the search box at the top of this page, or have a look at the list of sections. If you followed a link from another site, please let the people there know that it no longer works. If you followed a link on our own pages, please write to the editor, so that we can mend it.</p>
<p>Error 404. We apologise for the inconvenience and thank you for your patience while we move our old articles to the new system.</p></div></body></html>"""

SHELL = b"""<!doctype html><html><head><meta charset="utf-8"><title>Loading</title><script src="/static/app.4f1c.js" defer></script></head>
<body><div id="root"></div><script>window.__STATE__={"route":"/p/88","user":null,"flags":["a","b"]}</script></body></html>"""

SHORT = b"""<!DOCTYPE html><html><head><title>Gallery</title></head><body><div id="nav"><a href="/">Home</a></div>
<article><h1>Gallery</h1><p>Twelve photographs of the pier at dusk.</p></article></body></html>"""

# the smallest thing that calls itself PDF 1.4
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def dropped_pages(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    """Links without a good capture, or without a document in it."""

    def url(path: str) -> str:
        return f"http://{path}"

    wall, gone, shell = (
        url("bargainrail.example/fares"),
        url("harbourpost.example/local/2007/03/regatta"),
        url("photopier.example/p/88"),
    )
    short, empty, pdf, api = (
        url("photopier.example/gallery/12"),
        url("emptyhouse.example/"),
        url("library.stonebook.example/download?id=7"),
        url("api.weatherbox.example/v1/stations?near=coast"),
    )
    missing404, error500 = (
        url("tinlantern.example/stories/withdrawn/"),
        url("notes.smalltools.example/cgi-bin/report?id=3"),
    )
    loop_a, loop_b = url("roundabout.example/a"), url("roundabout.example/b")
    nowhere, lost = url("harbourpost.example/go/412"), url("slowgarden.example/lost/bulbs.html")
    wiki_go = url("www.workbench.example/go.php?to=spirit-level")
    level = spare["s12-wikipedia-redirect"]
    damaged = url("weatherbox.example/learn/halo.html")
    d = "2012-08-14"
    cases = [
        simple(
            "bot-wall",
            "a bot wall answers 200",
            wall,
            d,
            "Cheap fares for autumn",
            41,
            (answer(wall, d, BOT_WALL),),
            "extract",
            "bot_wall",
        ),
        simple(
            "soft-404",
            "an error page answers 200",
            gone,
            "2013-03-04",
            "Regatta results",
            9,
            (answer(gone, "2013-03-04", SOFT_404),),
            "extract",
            "soft_error",
        ),
        simple(
            "no-text",
            "a page that only a browser with scripts would fill",
            shell,
            "2016-05-06",
            "Pier at dusk",
            77,
            (answer(shell, "2016-05-06", SHELL),),
            "extract",
            "empty",
        ),
        simple(
            "too-short",
            "eight words are no document",
            short,
            "2014-06-07",
            "Twelve photographs of a pier",
            12,
            (answer(short, "2014-06-07", SHORT),),
            "extract",
            "too_short",
        ),
        simple(
            "no-bytes",
            "a body of no bytes",
            empty,
            "2011-02-03",
            "This site is empty",
            300,
            (answer(empty, "2011-02-03", b""),),
            "extract",
            "empty",
        ),
        simple(
            "pdf",
            "a PDF whose URL does not say so",
            pdf,
            "2010-10-10",
            "A survey of quarries",
            15,
            (answer(pdf, "2010-10-10", PDF, "application/pdf"),),
            "pages",
            "not_html",
        ),
        simple(
            "json",
            "JSON",
            api,
            "2015-05-05",
            "Weather stations as an open interface",
            31,
            (
                answer(
                    api,
                    "2015-05-05",
                    b'{"stations": [{"id": 1, "name": "Pier"}]}',
                    "application/json",
                ),
            ),
            "pages",
            "not_html",
        ),
        simple(
            "status-404",
            "the only capture is a 404",
            missing404,
            "2014-12-01",
            "A story that was withdrawn",
            8,
            (
                answer(
                    missing404,
                    "2014-12-01",
                    b"<html><body><h1>Not Found</h1></body></html>",
                    status=404,
                ),
            ),
            "pages",
            "http_error",
        ),
        simple(
            "status-500",
            "the only capture is a 500",
            error500,
            "2009-09-09",
            "The report generator",
            5,
            (
                answer(
                    error500, "2009-09-09", b"<html><body>Internal error</body></html>", status=500
                ),
            ),
            "pages",
            "http_error",
        ),
        simple(
            "redirect-loop",
            "two pages that redirect to each other",
            loop_a,
            "2010-04-01",
            "Round and round",
            404,
            (
                redirect(loop_a, after("2010-04-01", 1), loop_b),
                redirect(loop_b, after("2010-04-01", 1), loop_a),
            ),
            "pages",
            "redirect_loop",
        ),
        simple(
            "redirect-nowhere",
            "a redirect to a page that was not captured",
            nowhere,
            "2013-01-02",
            "Fish market to close",
            18,
            (
                redirect(
                    nowhere,
                    after("2013-01-02", 1),
                    "http://harbourpost.example/local/2013/01/fish-market",
                ),
            ),
            "pages",
            "redirect_target_missing",
        ),
        simple(
            "redirect-to-wikipedia",
            "a link that looks harmless and redirects to Wikipedia",
            wiki_go,
            level.date,
            "How a spirit level works",
            17,
            (redirect(wiki_go, after(level.date, 1), level.url), capture(level)),
            "wikipedia",
            "wikipedia_host",
            text=level.slug,
            final_url=level.url,
        ),
        simple(
            "damaged-record",
            "the only capture is a gzip member of which nothing can be read; the record behind it is good",
            damaged,
            "2013-05-05",
            "Rings around the sun",
            23,
            (answer(damaged, "2013-05-05", html(kept["10-how-fog-forms"]), damage="all"),),
            "pages",
            "no_capture",
        ),
        simple("missing-1", "never captured", lost, "2012-01-01", "Bulbs for a north window", 6),
    ]
    for i, (path, title) in enumerate(
        (
            ("riverside-notes.example/2009/floods", "What the flood left on our street"),
            ("kitchenledger.example/2010/12/plum-pudding/", "Plum pudding, the long way"),
            ("www.workbench.example/howto.php?id=99", "A shelf without screws"),
            ("longwayround.example/journal/salt-road", "Down the salt road"),
            ("starboard.example/#!/logbook/3", "A logbook kept in the address"),
        )
    ):
        cases.append(
            simple(
                f"missing-{i + 2}",
                "never captured",
                url(path),
                f"{2008 + i}-07-1{i}",
                title,
                4 + 11 * i,
            )
        )
    return cases
