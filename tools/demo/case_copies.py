"""Links that end in `dedup` and `wikipedia`: copies of what is kept."""

from dataclasses import replace

from case import Case, after, answer, capture, post, redirect, reworded, seconds, simple
from designs import render
from prose import Prose


def copies(kept: dict[str, Prose], spare: dict[str, Prose]) -> list[Case]:
    """Exact and near duplicates, and a copy of the Wikipedia page under another host."""
    sky, compost, wall, fog, tides = (
        kept[k]
        for k in (
            "03-why-sky-blue",
            "04-hot-compost",
            "06-hexdump",
            "10-how-fog-forms",
            "16-floating-point",
        )
    )
    gravel = spare["s11-wikipedia"]
    stock = kept["23-stock-from-peelings"]

    def copy(
        name: str,
        shows: str,
        page: Prose,
        url: str,
        karma: int,
        hours: float,
        *,
        site: str,
        **more: object,
    ) -> Case:
        copied = replace(page, url=url)
        body = render(copied, page.site, site_name=site).encode()
        one = post(copied, karma=karma, created=seconds(page.date, hours))
        return Case(name, shows, (one,), (capture(copied, 5, body=body),), text=page.slug, **more)  # type: ignore[arg-type]

    exact = {"stage": "dedup", "outcome": "exact_duplicate"}
    near60, near30 = reworded(tides, 60), reworded(fog, 30)
    return [
        copy(
            "exact-lower-karma",
            "the text of another page, posted a day earlier with less karma: the karma decides",
            sky,
            "http://science-reprints.example/blue-sky",
            40,
            -14,
            site="Science Reprints",
            duplicate_of=sky.slug,
            **exact,
        ),
        copy(
            "exact-later",
            "the text of another page with the same karma, posted later: the date decides",
            compost,
            "http://allotment-digest.example/?story=heap",
            compost.karma or 0,
            30,
            site="Allotment Digest",
            duplicate_of=compost.slug,
            **exact,
        ),
        copy(
            "exact-key",
            "the text of another page, same karma, same second: the key decides",
            wall,
            "http://zz.bitmirror.example/first-sixteen-bytes",
            wall.karma or 0,
            10,
            site="bit mirror",
            duplicate_of=wall.slug,
            **exact,
        ),
        Case(
            "short-link",
            "a short link whose redirect was captured leads to a page that was posted as well",
            (
                post(
                    stock,
                    url="http://bit.ly/9xKdemo",
                    karma=9,
                    created=seconds(stock.date, 200),
                    quirks=("nul",),
                ),
            ),
            (redirect("http://bit.ly/9xKdemo", after(stock.date, 9), stock.url),),
            text=stock.slug,
            final_url=stock.url,
            duplicate_of=stock.slug,
            stage="dedup",
            outcome="exact_duplicate",
        ),
        Case(
            "near-60",
            "a reprint with every 60th word changed and other surroundings",
            (
                post(
                    near60,
                    url="http://reprints.example/fraction-puzzle",
                    karma=7,
                    created=seconds(tides.date, 900),
                ),
            ),
            (
                capture(
                    replace(near60, url="http://reprints.example/fraction-puzzle"),
                    40,
                    body=render(near60, "blog", site_name="Reprints").encode(),
                ),
            ),
            text="near-60",
            under={"near-dup off": "kept"},
            duplicate_of=tides.slug,
            stage="dedup",
            outcome="near_duplicate",
        ),
        Case(
            "near-30",
            "a reprint with every 30th word changed and other surroundings: too far away at 0.8, not at 0.65",
            (
                post(
                    near30,
                    url="http://reprints.example/fog-four-ways",
                    karma=6,
                    created=seconds(fog.date, 900),
                ),
            ),
            (
                capture(
                    replace(near30, url="http://reprints.example/fog-four-ways"),
                    40,
                    body=render(near30, "newspaper", site_name="Reprints").encode(),
                ),
            ),
            text="near-30",
            under={"near-dup 0.65": "near_duplicate"},
            duplicate_of=fog.slug,
        ),
        Case(
            "wikipedia-copy",
            "the Wikipedia page's text under a host that does not say so: only its content gives it away",
            (
                post(
                    gravel,
                    url="http://reference.stonebook.example/gravel-bar",
                    karma=10,
                    created=seconds(gravel.date, 700),
                ),
            ),
            (
                capture(
                    replace(gravel, url="http://reference.stonebook.example/gravel-bar"),
                    30,
                    body=render(gravel, "article", site_name="Stonebook").encode(),
                ),
            ),
            text=gravel.slug,
            under={"wikipedia": "wikipedia_content"},
        ),
        simple(
            "wikipedia-mobile",
            "a mobile Wikipedia host",
            "https://en.m.wikipedia.org/wiki/Barometer#History",
            "2014-04-04",
            "TIL how barometers were invented",
            88,
            (),
            "links",
            "wikipedia_host",
        ),
        simple(
            "wikipedia-german",
            "Wikipedia in German",
            "https://de.wikipedia.org/wiki/Backstein?oldid=1",
            "2015-04-04",
            "Backstein",
            12,
            (),
            "links",
            "wikipedia_host",
        ),
        simple(
            "wikipedia-archived",
            "an archived Wikipedia page",
            "http://web.archive.org/web/20120101000000/http://en.wikipedia.org/wiki/Tide",
            "2012-04-04",
            "Tides, an old version",
            9,
            (),
            "links",
            "wikipedia_host",
        ),
        simple(
            "wikipedia-mirror",
            "a mirror that says so in its host",
            "http://en.wikipedia.mirrors.example/wiki/Fog",
            "2013-04-04",
            "Fog",
            9,
            (
                answer(
                    "http://en.wikipedia.mirrors.example/wiki/Fog",
                    "2013-04-04",
                    render(replace(gravel, title="Fog"), "wiki").encode(),
                ),
            ),
            "links",
            "wikipedia_host",
        ),
    ]
