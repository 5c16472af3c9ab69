//! Whole pages.

use webtext::extract::{Options, extract};

fn text(html: &str) -> String {
    extract(html, &Options::default()).expect("cheap").text
}

#[test]
fn an_article_among_its_surroundings() {
    let body = "A sentence that is long enough to be text of a page, with words. ".repeat(8);
    let page = format!(
        "<html><head><title>t</title><style>.x</style></head><body><nav><a href=/>Home</a></nav>\
         <div class=sidebar><p>{body} aside</p></div><article><h1>Title</h1><p>{body}</p>\
         <figure><figcaption>caption</figcaption></figure><ul><li>one<li>two</ul>\
         <div class=share>Share</div><p>End.</p></article><div id=comments><p>{body}</p></div>\
         <footer>Imprint</footer>"
    );
    let sentence = body.trim();
    assert_eq!(text(&page), format!("Title\n\n{sentence}\n\none\ntwo\n\nEnd."));
}

#[test]
fn an_article_in_an_aside_wins_against_a_notice() {
    let body = "A sentence that is long enough to be text of a page, with words. ".repeat(8);
    let page = format!(
        "<div id=cookie><p>We use cookies. Accept all of them.</p></div>\
         <aside class=content><h1>Title</h1><p>{body}</p><p>End.</p></aside>"
    );
    assert_eq!(text(&page), format!("Title\n\n{}\n\nEnd.", body.trim()));
}

#[test]
fn the_next_frame_is_tried_where_one_gives_a_single_block() {
    let body = "A sentence that is long enough to be text of a page, with words. ".repeat(8);
    let page =
        format!("<div class=post><p>{body}</p></div><article><p>{body} b</p><p>c</p></article>");
    let sentence = body.trim();
    assert_eq!(text(&page), format!("{sentence}\n\n{sentence} b\n\nc"), "what was found stays");
}

#[test]
fn composed_characters_and_no_controls() {
    let body = "e\u{301}te\u{301} \u{7f}x&#1;y ".repeat(60);
    let page = format!("<article><p>{body}</p><p>b</p></article>");
    let found = text(&page);
    assert!(found.starts_with("\u{e9}t\u{e9} xy \u{e9}t\u{e9}"), "{found}");
}

#[test]
fn pages_without_anything() {
    for html in ["", " ", "<!-- -->", "<html>", "<p>", "<script>a</script>", "\0", "<"] {
        assert!(text(html).len() < 2, "{html:?} gave {:?}", text(html));
    }
}
