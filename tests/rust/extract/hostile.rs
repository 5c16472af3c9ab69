//! Pages that mean harm: each costs in proportion to its size, or is too costly.

use crate::support::cpu_seconds;
use webtext::extract::{Options, extract};

fn seconds(html: &str) -> f64 {
    let start = cpu_seconds();
    // Too costly is an answer too.
    let _ = extract(html, &Options { model: true, ..Options::default() });
    cpu_seconds() - start
}

#[test]
fn hostile_pages_cost_in_proportion() {
    type Page = fn(usize) -> String;
    let pages: [(&str, Page); 14] = [
        ("nested", |n| "<div>".repeat(n) + "x"),
        ("nested names", |n| "<div class=post-body>x<p>y".repeat(n)),
        ("attributes", |n| format!("<p {}>x", "a=1 ".repeat(n))),
        ("classes", |n| format!("<div class='{}'>x", "widget ".repeat(n))),
        ("tables", |n| "<table><tr><td>x".repeat(n)),
        ("lists", |n| "<ul><li>x".repeat(n)),
        ("paragraphs", |n| (0..n).map(|i| format!("<p>a sentence of {i} words</p>")).collect()),
        ("siblings", |n| "<form>x</form>".repeat(n)),
        ("links", |n| "<div><a>x</a> y</div>".repeat(n)),
        ("nested links", |n| "<div><a>x".repeat(n)),
        ("quotes", |n| "<blockquote>x".repeat(n)),
        ("breaks", |n| "<div class=post>x".to_owned() + &"<br>".repeat(n)),
        ("spans", |n| "<p>".to_owned() + &"<span>x".repeat(n)),
        ("data", |n| format!("<script type=application/ld+json>{}", "[{\"@type\":".repeat(n))),
    ];
    for (name, page) in pages {
        let (small, large) = (page(4_000), page(40_000));
        let small = (0..3).map(|_| seconds(&small)).fold(f64::MAX, f64::min);
        let large = (0..1).map(|_| seconds(&large)).fold(f64::MAX, f64::min);
        assert!(large < 40.0 * small.max(1e-2), "{name}: {small} s, then {large} s");
    }
}
