//! Link density.

use super::{budget, converted, first};
use webtext::extract::links::delete_lists;
use webtext::html::names;

/// Text that is left in the article.
fn left(inner: &str) -> String {
    let html = format!("<article>{inner}</article>");
    let mut tree = converted(&html);
    let frame = first(&tree, names::ARTICLE);
    delete_lists(&mut tree, frame, &mut budget()).expect("cheap");
    tree.text_content(frame)
}

fn words(characters: usize) -> String {
    "x".repeat(characters)
}

#[test]
fn one_long_link_that_is_nearly_all() {
    let page =
        |linked: usize, rest: usize| format!("<p><a>{}</a>{}</p>b", words(linked), words(rest));
    assert_eq!(left(&page(101, 11)), "b");
    assert_eq!(left(&page(101, 12)).len(), 114, "not more than nine in ten");
    assert_eq!(left(&page(100, 0)).len(), 101, "not long");
}

#[test]
fn short_elements_that_are_mostly_links() {
    let paragraph = |linked: usize, rest: usize| {
        format!("<p><a>{}</a>{}</p><p>b</p>", words(linked), words(rest))
    };
    assert_eq!(left(&paragraph(24, 5)), "b", "under thirty characters");
    assert_eq!(left(&paragraph(25, 5)).len(), 31, "thirty");
    assert_eq!(left(&paragraph(23, 6)).len(), 30, "not four in five");
    let last =
        |linked: usize, rest: usize| format!("b<p><a>{}</a>{}</p>", words(linked), words(rest));
    assert_eq!(left(&last(54, 5)), "b", "under sixty at the end");
    let short = "<p><a>a1</a> <a>a2</a> <a>a3</a> <a>a4</a> <a>a5</a> and so on</p><p>b</p>";
    assert_eq!(left(short), "b", "short links");
    assert_eq!(left("<p><a></a>text</p><p>b</p>"), "b", "links without text");
    assert_eq!(left("<div><a>a</a>, b</div>c").len(), 5, "joints have no blank: one of four");
}

#[test]
fn many_links_that_run_together() {
    let link = format!("<a>{}</a> ", words(40));
    let farm = format!("<div>{}</div><p>b</p>", link.repeat(5));
    assert_eq!(left(&farm).trim(), "b");
    let four = format!("<div>{}</div><p>b</p>", link.repeat(4));
    assert!(left(&four).len() > 160);
    let alone = format!("<div>{}</div><p>b</p>", format!("<p>{link}</p>").repeat(5));
    assert!(left(&alone).len() > 120, "each alone in a paragraph: a listing");
}

#[test]
fn divisions_that_are_short_and_have_parts() {
    let page =
        |parts: &str| format!("<div>{} <a>{}</a>{parts}</div><p>b</p>", words(50), words(20));
    assert_eq!(left(&page("<h2>c</h2><h2>d</h2>")), "b");
    assert!(left(&page("<h2>c</h2>")).len() > 70);
}

#[test]
fn paragraphs_in_items_are_judged_with_their_list() {
    let list = format!("<ul><li>{}<li><p><a>link</a></p></ul><p>b</p>", words(200));
    assert!(left(&list).contains("link"));
}

#[test]
fn tables_of_links() {
    let table = |linked: usize, rest: usize| {
        let cell = format!("<td><a>{}</a>{}", words(linked), words(rest));
        format!("<table><tr>{cell}<td><a>y</a></table>b")
    };
    assert_eq!(left(&table(180, 30)), "b");
    assert_eq!(left(&table(150, 60)).len(), 212);
    assert_eq!(left(&table(600, 450)), "b", "half is enough in a long one");
    assert_eq!(left(&table(150, 10)).len(), 162, "short ones stay");
}
