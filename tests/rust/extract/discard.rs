//! Boilerplate by names.

use super::{budget, converted, families_of, first, shown};
use webtext::extract::discard::discard;
use webtext::html::names;

fn left(html: &str, recall: bool) -> String {
    let mut tree = converted(html);
    let families = families_of(&tree);
    let frame = first(&tree, names::ARTICLE);
    discard(&mut tree, &families, frame, recall, &mut budget()).expect("cheap");
    shown(&tree)
}

#[test]
fn named_parts_of_the_frame_go_and_others_stay() {
    let page = "<div class=sidebar>o</div><article><p>text of it</p><div class=sidebar>a\
                <div class=menu>b</div></div>c<h2 class=sidebar>d</h2></article>";
    assert_eq!(left(page, false), "div(o)article(p(text of it)c#heading(d))");
}

#[test]
fn hidden_elements_go_whatever_they_are() {
    assert_eq!(
        left("<article><p>text</p><h2 style=display:none>d</h2></article>", false),
        "article(p(text))"
    );
}

#[test]
fn nothing_goes_if_hardly_anything_would_stay() {
    let page = |rest: &str| {
        format!("<article><div class=widget>{}</div><p>{rest}</p></article>", "a".repeat(60))
    };
    assert!(left(&page("bbbbbbbbbb"), false).contains("aa"), "a seventh stays, not more");
    assert!(!left(&page("bbbbbbbbbbb"), false).contains("aa"));
}

#[test]
fn captions_always_and_teasers_but_in_recall() {
    let page = "<article><p class=caption>a</p><p class=teaser>b</p></article>";
    assert_eq!(left(page, false), "article()");
    assert_eq!(left(page, true), "article(p(b))");
}
