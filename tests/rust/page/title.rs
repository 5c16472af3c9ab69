//! Titles of pages made for the purpose.

use webtext::html::{Limits, Tree};
use webtext::page::title::title;
use webtext::page::{Day, facts};

fn of(html: &str) -> Option<String> {
    title(&Tree::parse(html, &Limits::default()).unwrap())
}

#[track_caller]
fn check(html: &str, expected: &str) {
    assert_eq!(of(html).as_deref(), Some(expected).filter(|text| !text.is_empty()), "{html}");
}

const HEADING: &str = "<body><h1>Heading</h1>";
const ARTICLE: &str = r#"<script type="application/ld+json">
    {"@context": "https://schema.org", "@type": "NewsArticle", "headline": "In
    JSON"}</script>"#;

#[test]
fn the_order_of_trust() {
    let graph = "<meta property=og:title content='In Open Graph'>";
    let twitter = "<meta name='twitter:title' content='In <b>Twitter</b>'>";
    check(&format!("<head>{twitter}{ARTICLE}{graph}</head>{HEADING}"), "In Open Graph");
    check(&format!("<head>{ARTICLE}{twitter}</head>{HEADING}"), "In Twitter");
    check(&format!("<head>{ARTICLE}<title>T</title></head>{HEADING}"), "In JSON");
    check(&format!("<head><title>T</title></head>{HEADING}"), "Heading");
    let two = "<body><h1>First</h1><h1>Second</h1>";
    check(&format!("<head><title>T</title></head>{two}<h2 class=entry-title>Entry</h2>"), "Entry");
    check(&format!("<head><title>T</title></head>{two}"), "T");
    check(&format!("<head><title>x.org</title></head>{two}"), "First");
    check("<head><title>x.org</title></head><body><h2>Second level</h2>", "Second level");
    check("<head><title>x.org</title></head>", "x.org");
    check("<p>nothing", "");
    check("", "");
}

#[test]
fn what_is_no_title_is_passed_over() {
    check(&format!("<head><meta property=og:title content=' '></head>{HEADING}"), "Heading");
    // Behind the head, and of another kind.
    check("<body><p><meta property=og:title content=Stray><h1>Heading</h1>", "Heading");
    check(&format!("<head>{}</head>{HEADING}", ARTICLE.replace("News", "No")), "Heading");
    check("<body><h1> </h1><h2>Second level</h2>", "Second level");
}

#[test]
fn json_that_is_broken_or_deep() {
    let broken =
        "<script type=application/ld+json>{,\"headline\": \"Still \\\"read\\\"\",</script>";
    check(&format!("<head>{broken}</head>{HEADING}"), "Still \"read\"");
    let graph = r#"<script type="application/ld+json">{"@graph": [{"@type": "WebPage", "name": "W"},
        {"@type": ["BlogPosting"], "headline": "In a graph"}]};</script>"#;
    check(&format!("<head>{graph}</head>{HEADING}"), "In a graph");
    let deep = format!("<script type=application/ld+json>{}</script>", "[".repeat(1_000_000));
    check(&format!("<head>{deep}</head>{HEADING}"), "Heading");
}

#[test]
fn the_sites_name_is_cut_off() {
    let cut = |title: &str| of(&format!("<head><title>{title}</title></head>")).unwrap();
    assert_eq!(cut("Story | The Paper"), "Story");
    assert_eq!(cut("Story - Part 2 - The Paper"), "Story - Part 2");
    assert_eq!(cut("x.org » Story"), "Story");
    assert_eq!(cut("Story-telling: an art"), "Story-telling: an art");
    assert_eq!(cut("| Story"), "| Story");
}

#[test]
fn a_title_is_one_clean_line() {
    check(
        "<h1> One<br>two\n<span>th</span>ree<div>e\u{301}</div>four</h1>",
        "One two three é four",
    );
    let long = of(&format!("<h1>{}</h1>", "é".repeat(5000))).unwrap();
    assert_eq!(long.chars().count(), 1000);
}

#[test]
fn hostile_pages_cost_their_length() {
    let long = 100_000;
    for html in [
        "<h1 class=title>".repeat(long),
        format!("{}{}&amp;", "<h2 class=title>".repeat(long), " ".repeat(long * 10)),
        format!("<head><script type=application/ld+json>{}", "{\"headline\":\\\"".repeat(long)),
    ] {
        check(&html, "");
    }
}

#[test]
fn all_facts_in_one_call() {
    let html = "<html><head><title>Rain</title><meta name=date content=2014-03-02></head></html>";
    let tree = Tree::parse(html, &Limits::default()).unwrap();
    let text = "The cat sat on the mat and looked at the rain that fell outside the window.";
    let facts = facts(&tree, None, Day::new(2015, 1, 1), text);
    assert_eq!(facts.title.as_deref(), Some("Rain"));
    assert_eq!(facts.language, "en");
    assert_eq!(facts.published, Day::new(2014, 3, 2));
}
