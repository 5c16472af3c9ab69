//! The pruning of the raw tree.

use super::{budget, families_of, parsed, shown};
use webtext::extract::{raw, thread};

fn pruned(html: &str) -> String {
    let mut tree = parsed(html);
    let families = families_of(&tree);
    let is_thread = thread::is_thread(&tree, &mut budget()).expect("cheap");
    raw::prune(&mut tree, &families, is_thread, &mut budget()).expect("cheap");
    shown(&tree)
}

#[test]
fn comments_go_but_not_those_of_a_thread() {
    let page = "<p>a</p><div id=comments>b</div>c<ul id=disqus_thread><li>d</ul>";
    assert_eq!(pruned(page), "p(a)cul(li(d))");
    let typed =
        |json: &str| format!("<body><script type=application/ld+json>{json}</script>{page}");
    let thread = typed(r#"{"@type" : "DiscussionForumPosting"}"#);
    assert!(pruned(&thread).contains("div(b)"));
    assert!(pruned(&typed(r#"{"@type": ["DiscussionForumPosting"]}"#)).contains("div(b)"));
    assert!(!pruned(&typed(r#"{"@type": "Article"}"#)).contains("div(b)"));
}

#[test]
fn appended_articles_go_unless_they_hold_the_heading() {
    assert_eq!(pruned("<div class=infinite-scroll>a</div>b"), "b");
    assert_eq!(pruned("<div class=infinite-scroll><h1>a</h1></div>b"), "div(h1(a))b");
    assert_eq!(pruned("<div class=mvp-post-add-box><h1>a</h1></div>b"), "b");
    assert_eq!(pruned("<p class=infinite-scroll>a</p>"), "p(a)");
}
