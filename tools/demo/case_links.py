"""Links that end in the stage `links`: by karma, date, mark or rule; and lines with no capture."""

from dataclasses import replace

from case import Case, capture, post, seconds
from prose import Prose
from submissions import Post


def _link(
    page: Prose,
    shows: str,
    posts: tuple[Post, ...] | None = None,
    *,
    stage: str = "links",
    outcome: str = "low_karma",
    **more: object,
) -> Case:
    """A link that ends before its good capture is looked at."""
    return Case(
        page.slug,
        shows,
        posts or (post(page),),
        (capture(page),),
        stage=stage,
        outcome=outcome,
        text=page.slug,
        **more,
    )  # type: ignore[arg-type]


def dropped_links(spare: dict[str, Prose]) -> list[Case]:
    """Spare texts whose links a rule drops."""
    s = {slug.split("-")[0]: page for slug, page in spare.items()}
    sums = tuple(
        post(s["s02"], karma=k, created=seconds(s["s02"].date, 5 + 9 * i))
        for i, k in enumerate((1, 2, 1))
    )
    same = post(s["s06"])
    fame = (
        post(s["s08"]),
        post(
            s["s08"],
            karma=500,
            created=seconds("2018-02-03"),
            outcome="too_late",
            shows="famous, but too late",
        ),
    )
    return [
        _link(s["s01"], "2 points, one fewer than asked for", under={"min-karma 2": "kept"}),
        _link(
            s["s02"],
            "posted three times with 1, 2 and 1 points: 4 by sum, 2 by max",
            sums,
            under={"karma-rule sum": "kept"},
        ),
        _link(
            s["s03"],
            "created in the first second of 2018",
            (post(s["s03"], created=seconds("2018-01-01", 0), outcome="too_late"),),
            outcome="too_late",
            under={"before 2019": "kept"},
        ),
        _link(
            s["s04"],
            "tagged over_18",
            (post(s["s04"], over_18=True, outcome="over_18"),),
            outcome="over_18",
            under={"nsfw": "kept"},
        ),
        _link(
            s["s05"],
            "an advertisement without author and subreddit",
            (post(s["s05"], promoted=True, quirks=("no-author",), outcome="advertisement"),),
            outcome="advertisement",
        ),
        _link(
            s["s06"],
            "one submission of 2 points whose line stands in the dump twice: 2 by sum as well",
            (same, replace(same, outcome="repeated", shows="the same id again")),
        ),
        _link(
            s["s07"],
            "1 point; the nested parent of the crosspost has 9,999",
            (post(s["s07"], quirks=("parent-last",), parent_score=9999, parent_url=s["s07"].url),),
        ),
        _link(s["s08"], "2 points before 2018, 500 after", fame, under={"before 2019": "kept"}),
        _link(
            s["s09"],
            "the score is null",
            (post(s["s09"], outcome="no_karma"),),
            outcome="no_karma",
        ),
        _link(s["s11"], "a Wikipedia page", stage="links", outcome="wikipedia_host"),
    ]


def lines() -> list[Case]:
    """Lines that a line or URL rule drops and that no capture belongs to."""
    cases: list[Case] = []

    def one(
        name: str,
        shows: str,
        outcome: str,
        url: str | None,
        title: str,
        karma: int,
        date: str,
        *,
        line: str | None = None,
        **more: object,
    ) -> None:
        a_post = Post(
            url=url,
            karma=karma,
            created=seconds(date, 12),
            title=title,
            subreddit=str(more.pop("subreddit", "reddit.com")),
            outcome=line or outcome,
            **more,
        )  # type: ignore[arg-type]
        cases.append(Case(name, shows, (a_post,), (), stage="links", outcome=outcome))

    for i, title in enumerate(SELF_TITLES):
        sub = ("AskReddit", "gardening", "learnprogramming", "Cooking", "travel")[i % 5]
        date = f"{2008 + i % 10}-{1 + i * 5 % 12:02}-{1 + i * 7 % 28:02}"
        one(
            f"self-{i + 1}",
            "a self post",
            "self_post",
            f"http://www.reddit.com/r/{sub}/comments/{2000 + i}/x/",
            title,
            1 + i * 37 % 400,
            date,
            is_self=True,
            domain=f"self.{sub}",
            subreddit=sub,
            selftext="I have been wondering about this for a while." if i % 3 else "[deleted]",
        )
    one(
        "self-by-domain",
        "is_self is false, the domain says self.reddit.com",
        "self_post",
        "http://www.reddit.com/comments/6jq2x/ask_what_is_the_best_soup/",
        "Ask: what is the best soup?",
        31,
        "2008-05-15",
        domain="self.reddit.com",
    )
    for i, (title, url) in enumerate(MEDIA):
        rule = (
            "media_host"
            if url.split("/")[2].endswith(MEDIA_HOSTS)
            else "not_html_file"
            if url.endswith((".pdf", ".zip", ".pptx"))
            else "media_file"
        )
        one(
            f"media-{i + 1}",
            MEDIA_RULES[rule],
            rule,
            url,
            title,
            5 + i * 211 % 4000,
            f"{2009 + i % 9}-{1 + i * 7 % 12:02}-{1 + i * 11 % 28:02}",
            line="kept",
            subreddit=("pics", "videos", "EarthPorn", "Music")[i % 4],
        )
    for i, host in enumerate(("tr.im/demo1", "cli.gs/demo2", "su.pr/2kDemo", "adf.ly/1demo")):
        one(
            f"shortener-{i + 1}",
            "a shortener that no longer answers, or only with advertisements",
            "shortener",
            f"http://{host}",
            "Worth your time",
            50 + i,
            f"201{i + 1}-03-0{i + 2}",
            line="kept",
        )
    for i, path in enumerate(
        (
            "r/gardening/wiki/index",
            "user/reader_2k1/submitted/",
            "r/bestof/comments/4abcd/x/c1defgh?context=3",
        )
    ):
        one(
            f"reddit-{i + 1}",
            "a link to reddit itself",
            "self_link",
            f"http://www.reddit.com/{path}",
            "Somebody explains it well",
            60 + i,
            f"201{i + 1}-05-0{i + 2}",
            line="kept",
            subreddit="bestof",
        )
    for i, url in enumerate(
        (
            "ftp://ftp.smalltools.example/pub/readme.txt",
            "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567",
            "javascript:alert(1)",
            "mailto:editor@harbourpost.example",
        )
    ):
        one(
            f"scheme-{i + 1}",
            "neither http nor https",
            "not_http",
            url,
            "The old file server still runs",
            7 + i,
            f"2012-0{i + 1}-0{i + 3}",
            domain="",
        )
    one(
        "url-null",
        "url and domain are null",
        "no_url",
        None,
        "Where did the link go",
        55,
        "2017-08-09",
    )
    one(
        "url-empty", "the url is empty", "no_url", "", "Nothing to see", 66, "2011-08-09", domain=""
    )
    one(
        "url-none",
        "there is no url",
        "no_url",
        None,
        "No link at all",
        12,
        "2012-08-09",
        quirks=("no-url-key",),
    )
    one(
        "cut-line",
        "a line that ends in the middle of a string",
        "damaged",
        "http://cutshort.example/",
        "This line does not come to its end",
        77,
        "2011-11-11",
        quirks=("cut",),
    )
    one(
        "not-json",
        "a line of HTML",
        "damaged",
        "http://cutshort.example/2",
        "never seen",
        1,
        "2011-11-12",
        quirks=("not-json",),
    )
    one(
        "not-object",
        "a line that is a JSON array",
        "damaged",
        "http://cutshort.example/3",
        "never seen",
        1,
        "2011-11-13",
        quirks=("not-object",),
    )
    for i, title in enumerate(
        (
            "Sleep better on a mattress of air",
            "Your name on a mug",
            "Learn the ukulele in a weekend",
        )
    ):
        one(
            f"promoted-{i + 2}",
            "an advertisement",
            "advertisement",
            f"http://shop.bucketworks.example/offer/{i + 1}?utm_source=reddit&utm_medium=cpc",
            title,
            3 + i,
            f"201{i + 1}-06-15",
            promoted=True,
            quirks=("no-author",) if i else (),
            subreddit="promos",
        )
    for i, title in enumerate(
        ("Body painting in fifteen steps", "Postcards from the seaside, uncensored")
    ):
        one(
            f"over-18-{i + 2}",
            "tagged over_18",
            "over_18",
            f"http://grownups.example/{i + 1}",
            title,
            99,
            f"201{i + 2}-09-15",
            over_18=True,
            subreddit="nsfw",
        )
    for i, title in enumerate(
        (
            "A map of every bench",
            "Twelve soups for January",
            "How to fold a fitted sheet",
            "The bridge has reopened",
        )
    ):
        one(
            f"late-{i + 2}",
            "after 2017",
            "too_late",
            f"http://laterthan.example/{i + 1}",
            title,
            44 + i,
            f"20{18 + i}-0{i + 1}-2{i}",
            quirks=("float",) if i >= 2 else (),
        )
    for i, (host, title) in enumerate(LOW):
        one(
            f"low-{i + 2}",
            "fewer than 3 points",
            "low_karma",
            f"http://{host}",
            title,
            i % 3,
            f"{2007 + i % 11}-{1 + i * 5 % 12:02}-{2 + i * 3 % 26:02}",
            line="kept",
            quirks=("removed",) if i % 6 == 5 else (),
        )
    return cases


SELF_TITLES = (
    "What is the smallest thing that improved your kitchen?",
    "My tomatoes have black bottoms, what now?",
    "Is it too late to learn to read music?",
    "Which tool do you lend to nobody?",
    "How do I get a cat out of a piano?",
    "Weekly questions thread",
    "Does anyone remember a film about a lighthouse?",
    "Looking for a pen friend who likes maps",
    "Why does my loop stop one too early?",
    "What did you find behind the wallpaper?",
    "Best route from the coast to the hills by bicycle?",
    "I finished my first sweater",
    "How long do you rest your dough?",
    "Please explain pointers as if I were a gardener",
    "What sound do you miss?",
    "My neighbour waters my plants at night",
    "Which soup would you serve to an enemy?",
    "Is there a name for the smell of rain?",
    "How many shirts for three weeks?",
    "The clock in our hall runs only on Sundays",
    "Can I compost a cotton shirt?",
    "What is your rule for giving away books?",
    "Help me name a rowing boat",
    "Why do my pancakes have one ugly side?",
    "What should every beginner know about version control?",
    "I need a recipe for forty people",
    "Are night buses worth it?",
    "Do you talk to your sourdough?",
    "What is the oldest object you use every day?",
    "How do you keep slugs away without poison?",
)

MEDIA = (
    ("Sunrise over the estuary", "http://i.imgur.com/a1B2c3D.jpg"),
    ("A cat that keeps bees", "http://imgur.com/gallery/x7Demo1"),
    ("Street organ, complete performance", "http://www.youtube.com/watch?v=dEm0dEm0d01"),
    ("My garden in one minute", "https://youtu.be/dEm0dEm0d02"),
    ("Fog rolling in", "https://i.redd.it/demofog00001.jpg"),
    ("Dog meets tide", "https://v.redd.it/demotide0001"),
    ("A bridge, a film", "https://vimeo.com/100000001"),
    ("Old signal box", "http://www.flickr.com/photos/demo/5000001/"),
    ("It goes round", "http://gfycat.com/DemoRoundWheel"),
    ("A poster from the archive", "http://oldstones.example/img/poster.PNG"),
    ("The whole manual", "http://notes.smalltools.example/files/manual.pdf"),
    ("Song of the lock keepers", "http://tinlantern.example/audio/lock.mp3?dl=1"),
    ("Map of the footpaths", "http://longwayround.example/maps/paths.zip"),
    ("Chart of the tides", "http://plainscience.example/charts/tides.gif"),
    ("Timelapse of a compost heap", "http://www.slowgarden.example/video/heap.mp4#t=10"),
    ("Choir in a tunnel", "https://soundcloud.com/demo/tunnel"),
    ("Lego barometer", "http://i.imgur.com/Z9y8X7w.gifv"),
    ("First frost", "http://i.imgur.com/Fr0sT01.png"),
    ("A very long train", "https://www.youtube.com/watch?v=dEm0dEm0d03&t=42s"),
    ("Bread with a face", "https://i.redd.it/demobread0001.png"),
    ("Watching paint dry, live", "https://www.twitch.tv/demo_paint"),
    ("Station at night", "http://m.imgur.com/NiGht77"),
    ("A gate in the wall", "http://oldstones.example/img/gate.jpeg?size=large"),
    ("Slides of the talk", "http://notes.smalltools.example/files/talk.pptx"),
)

MEDIA_HOSTS = (
    "imgur.com",
    "redd.it",
    "flickr.com",
    "gfycat.com",
    "youtube.com",
    "youtu.be",
    "vimeo.com",
    "twitch.tv",
    "soundcloud.com",
)

MEDIA_RULES = {
    "media_host": "a host of pictures, clips or recordings",
    "media_file": "a picture, recording or film by its ending",
    "not_html_file": "a file that is no page by its ending",
}

LOW = (
    ("knitters.example/blog/12", "A hat in one evening"),
    ("smallboats.example/log?entry=7", "Caulking, day three"),
    ("riverside-notes.example/2007/ducks", "The ducks are back"),
    ("postcards.example/item/881", "Pier, hand coloured"),
    ("chess-corner.example/p/44", "Mate in four"),
    ("windowbox.example/thyme", "Thyme on a windowsill"),
    ("radiokits.example/article.php?id=5", "A receiver with three parts"),
    ("villagebells.example/ring", "How change ringing works"),
    ("marginalia.example/notes/3", "Notes in a borrowed book"),
    ("slowbuses.example/route/9", "The number nine in snow"),
    ("lampshades.example/paper", "A lampshade of paper"),
    ("kite-days.example/2012/wind", "Too much wind"),
    ("hedges.example/laying", "Laying a hedge"),
    ("inkpots.example/oak-gall", "Ink from oak galls"),
    ("walkers.example/forum/viewtopic.php?t=120", "Boots or shoes?"),
    ("maplemoth.example/moths", "Moths at the lamp"),
    ("oldradios.example/valves", "Valves that still glow"),
    ("teapots.example/spout", "Why spouts drip"),
)
