//! The day of publication on pages made for the purpose.

use webtext::html::{Limits, Tree};
use webtext::page::date::{Bounds, Day, published};

fn day(text: &str) -> Day {
    let mut parts = text.split('-').map(|part| part.parse().unwrap());
    let mut next = || parts.next().unwrap();
    Day::new(next(), next(), next()).unwrap()
}

/// The day found on a page with this head and body, fetched in the middle of 2016.
fn found_at(url: Option<&str>, head: &str, body: &str) -> Option<String> {
    let html = format!("<html><head><title>T</title>{head}</head><body>{body}</body></html>");
    let tree = Tree::parse(&html, &Limits::default()).unwrap();
    published(&tree, url, &Bounds::until(Some(day("2016-06-15")))).map(|day| day.to_string())
}

fn found(head: &str, body: &str) -> Option<String> {
    found_at(Some("https://x.org/a"), head, body)
}

fn meta(content: &str) -> String {
    format!("<meta property=\"article:published_time\" content=\"{content}\">")
}

#[track_caller]
fn check(head: &str, body: &str, expected: &str) {
    let found = found(head, body);
    assert_eq!(found.as_deref(), Some(expected).filter(|day| !day.is_empty()), "{head}{body}");
}

#[test]
fn days_of_the_calendar() {
    // The slow twin: one day after the other.
    let mut expected = (1970, 1, 1);
    for number in 0..60_000_i64 {
        let day = Day::new(expected.0, expected.1, expected.2).unwrap();
        assert_eq!(Day::from_unix(number * 86_400), Some(day));
        assert_eq!(Day::from_unix(number * 86_400 + 86_399), Some(day));
        assert_eq!(i64::from(day.days_since_1970()), number);
        expected.2 += 1;
        if Day::new(expected.0, expected.1, expected.2).is_none() {
            expected = (expected.0, expected.1 + 1, 1);
        }
        if expected.1 > 12 {
            expected = (expected.0 + 1, 1, 1);
        }
    }
    assert_eq!(Day::from_unix(951_782_400), Some(day("2000-02-29")));
    assert_eq!(Day::from_unix(-1), Some(day("1969-12-31")));
    assert_eq!(day("1969-12-31").days_since_1970(), -1);
    for (year, month, day) in
        [(2015, 2, 29), (1900, 2, 29), (2014, 13, 1), (2014, 4, 31), (0, 1, 1)]
    {
        assert_eq!(Day::new(year, month, day), None);
    }
    assert_eq!(Day::from_unix(i64::MAX), None);
    assert_eq!(Day::from_unix(i64::MIN), None);
    assert_eq!(day("0033-04-03").to_string(), "0033-04-03");
}

#[test]
fn forms_of_a_date() {
    for (content, expected) in [
        ("2014-03-02", "2014-03-02"),
        ("2014-03-02T10:00:00+01:00", "2014-03-02"),
        ("2014-03-02T10:00:00.123Z", "2014-03-02"),
        ("2014/03/02 10:00", "2014-03-02"),
        ("20140302", "2014-03-02"),
        ("201403021000", "2014-03-02"),
        ("2014 March 2", "2014-03-02"),
        ("2014 March", ""),
        ("2014-03", "2014-03-01"),
        ("03/2014", "2014-03-01"),
        ("2.3.2014", "2014-03-02"),
        // Day first, unless it cannot be.
        ("03/02/2014", "2014-02-03"),
        ("03/22/2014", "2014-03-22"),
        ("Sun, 02 Mar 2014 10:00:00 GMT", "2014-03-02"),
        ("March 2, 2014", "2014-03-02"),
        ("March 2nd, 2014 - 10:00", "2014-03-02"),
        ("PostedMarch 2, 2014", "2014-03-02"),
        ("2nd of March 2014", "2014-03-02"),
        ("2. März 2014", "2014-03-02"),
        ("2 février 2014", "2014-02-02"),
        ("2 Şubat 2014", "2014-02-02"),
        ("2 Kasım 2014", "2014-11-02"),
        ("2 de marzo de 2014", "2014-03-02"),
        ("2 março, 2014", "2014-03-02"),
        ("2 мая 2014", "2014-05-02"),
        ("2 września 2014", "2014-09-02"),
        ("2 Μαΐου 2014", "2014-05-02"),
        ("2014年3月2日 10:00", "2014-03-02"),
        ("2014년 3월 2일", "2014-03-02"),
        ("2014年3月", ""),
        ("2014年13月2日", ""),
        ("about 10, 2014", ""),
        // Two digits: 69 and later are of the last century.
        ("02.03.14", "2014-03-02"),
        ("02.03.99", "1999-03-02"),
        ("02.03.68", ""),
        ("02.03.69", ""),
        // Not in the calendar, not in range, not a date.
        ("2014-02-30", ""),
        ("2017-02-01", ""),
        ("2017-02-01T10:00:00", ""),
        ("1994-12-31", ""),
        ("1995-01-01", "1995-01-01"),
        ("2016-06-15T23:00:00Z", "2016-06-15"),
        ("2016-06-16T05:00:00+14:00", ""),
        ("2014", ""),
        ("10:00 02/03/2014", ""),
        ("EUR 02/03/2014", ""),
        ("$2.03.2014", ""),
        ("tel. 2014 555 02/03/2014", ""),
        ("http://x/02/03/2014", ""),
        ("123456789012345678901234 March 2, 2014", ""),
        ("Wombats 2, 2014", ""),
        ("", ""),
    ] {
        check(&meta(content), "", expected);
    }
}

#[test]
fn meta_elements() {
    check("<meta name=\"DC.date.issued\" content=\"2014-03-02\">", "", "2014-03-02");
    check("<meta itemprop=datePublished content=x datetime=2014-03-02>", "", "2014-03-02");
    check("<meta http-equiv=date content=2014-03-02>", "", "2014-03-02");
    check("<meta pubdate=pubdate content=2014-03-02>", "", "2014-03-02");
    check("<meta name=viewport content=2014-03-02>", "", "");
    check("<meta name=date>", "", "");
    // A change is second choice, wherever it stands.
    let modified = "<meta property=\"article:modified_time\" content=\"2015-01-01\">";
    check(modified, "", "2015-01-01");
    check(&[modified, &meta("2014-03-02")].concat(), "", "2014-03-02");
    check("<meta itemprop=copyrightyear content=2012>", "", "2012-01-01");
}

#[test]
fn json_ld() {
    let script = |json: &str| format!("<script type=\"application/ld+json\">{json}</script>");
    check(
        &script(r#"{"@type": "Article", "datePublished": "2014-03-02T10:00"}"#),
        "",
        "2014-03-02",
    );
    // Broken, spread over lines, in other case.
    check(&script("{,,\n\"datepublished\" :\n \"2014-3-2"), "", "2014-03-02");
    check(&script(r#"{"dateModified": "2014-03-02"}"#), "", "");
    check(&script(r#"{"datePublished": "soon"} {"datePublished":"2014-03-02"}"#), "", "2014-03-02");
    check("<script>{\"datePublished\": \"2014-03-02\"}</script>", "", "");
}

#[test]
fn elements() {
    check("", "<p class=byline>By A. Writer, March 2, 2014</p>", "2014-03-02");
    check("", "<div id=pubDate><b>2</b> <i>March</i> 2014</div>", "2014-03-02");
    check("", "<span itemprop=datePublished title=\"2014-03-02\">long ago</span>", "2014-03-02");
    check("", "<p>By A. Writer, March 2, 2014</p>", "");
    check("", "<abbr class=published title=2014-03-02>Sunday</abbr>", "2014-03-02");
    check("", "<abbr data-utime=1393754400>Sunday</abbr>", "2014-03-02");
    check("", "<h1>News of March 2, 2014</h1>", "2014-03-02");
    let times = "<time datetime=2014-03-02>x</time><time datetime=2013-03-02>x</time>";
    check("", times, "2013-03-02");
    let marked = "<time datetime=2013-03-02>x</time><time datetime=2014-03-02 pubdate=pubdate>";
    check("", marked, "2014-03-02");
    check("", "<time>March 2, 2014</time>", "2014-03-02");
    // What a reader does not see, and the banner of the Wayback Machine.
    check("", "<svg><p class=date>March 2, 2014</p></svg>", "");
    check("", "<div id=wm-ipp><p class=date>March 2, 2014</p></div>", "");
    // Only the beginning counts.
    check("", &format!("<p class=date>{} March 2, 2014</p>", "word ".repeat(12)), "");
}

#[test]
fn markup_and_text() {
    check("", "<img src=a.jpg data-taken=\"2014-03-02T10:00:00\">", "2014-03-02");
    check("", "<!-- cached 2014-03-02T10:00:00 -->", "");
    check("<meta property=og:image content=http://x.org/2014/03/02/a.jpg>", "", "2014-03-02");
    check("", "<td>Stand: 2.3.2014</td>", "2014-03-02");
    check("", "<td>updated 2.3.2014</td>", "2014-03-02");
    check("", "<td>Date:</b> <b>2.3.2014</td>", "2014-03-02");
    check("", "<td>version 2.3.2014</td>", "");
    check("", "<td>2.3.2014</td>", "");
    check("", "<td>It was on the 2014-03-02 that</td>", "2014-03-02");
    check("", "<script>var a = '2014-03-02'</script>", "");
}

#[test]
fn the_url_may_tell() {
    let at = |url| found_at(Some(url), "", "");
    assert_eq!(at("https://x.org/2013/05/17/story").as_deref(), Some("2013-05-17"));
    assert_eq!(at("https://x.org/a-2013-5-7").as_deref(), Some("2013-05-07"));
    assert_eq!(at("https://x.org/2019/05/17/story"), None);
    assert_eq!(at("https://x.org/2013/05/171"), None);
    assert_eq!(at("https://x.org/2013/05/"), None);
    let link = "<link rel=canonical href=https://x.org/2013/05/17/story>";
    assert_eq!(found_at(None, link, "").as_deref(), Some("2013-05-17"));
    assert_eq!(found(link, ""), None);
}

#[test]
fn only_the_capture_bounds_a_date() {
    let html = meta("2031-02-03");
    let tree = Tree::parse(&html, &Limits::default()).unwrap();
    let until = |latest: Option<&str>| published(&tree, None, &Bounds::until(latest.map(day)));
    assert_eq!(until(None), Some(day("2031-02-03")));
    assert_eq!(until(Some("2031-02-03")), Some(day("2031-02-03")));
    assert_eq!(until(Some("2031-02-02")), None);
    // Two digits: 69 is the first of the last century, which is too early.
    let of = |content: &str| {
        let html = meta(content);
        published(&Tree::parse(&html, &Limits::default()).unwrap(), None, &Bounds::until(None))
    };
    assert_eq!(of("02.03.68"), Some(day("2068-03-02")));
    assert_eq!(of("02.03.69"), None);
}

#[test]
fn hostile_pages_cost_their_length() {
    let long = 100_000;
    for body in [
        "<div class=date>".repeat(long),
        format!("{}{} &amp; 1", "<div class=date>".repeat(1000), " ".repeat(long * 10)),
        "<time datetime=2014>".repeat(long),
        "<abbr class=published>1".repeat(900),
        "-".repeat(long),
        "2014-".repeat(long),
        "1/2/".repeat(long),
        "on ".repeat(long),
        format!("<script type=application/ld+json>{}", "\"datePublished\":\"".repeat(long)),
    ] {
        assert_eq!(found("", &body), None, "{}", &body[..20]);
    }
}
