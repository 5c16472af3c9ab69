//! Elements to blocks.

use super::{budget, converted, families_of, first};
use webtext::extract::block::{Block, Kind};
use webtext::extract::collect::Collector;
use webtext::html::names;

fn collected(inner: &str, divs: bool) -> Vec<Block> {
    let html = format!("<article>{inner}</article>");
    let tree = converted(&html);
    let families = families_of(&tree);
    let mut collector = Collector::new(&tree, &families, false);
    collector.divs = divs;
    let frame = first(&tree, names::ARTICLE);
    collector.frame(&tree, frame, &mut budget()).expect("cheap");
    collector.blocks
}

#[track_caller]
fn case(inner: &str, expected: &[&str]) {
    let texts: Vec<String> = collected(inner, false).into_iter().map(|block| block.text).collect();
    assert_eq!(texts, expected, "{inner}");
}

#[test]
fn paragraphs_headings_and_what_stands_behind_them() {
    case("lead<p>a</p>lost<section>lost<p>b</p></section>", &["lead", "a\n\nlost", "b"]);
    case("<h2>t</h2>tail<p>a <i>b</i><br>c</p>lost<p>d</p>", &["t\n\ntail", "a b\nc", "d"]);
    case("<p> </p>text<p>a</p>", &["text", "a"]);
    case("<p>a</p><h2>dropped</h2><h3>too</h3>", &["a"]);
    case("a<br>b<br>c<p>d</p>", &["a", "b", "c", "d"]);
    case("<section>lost<del>a</del>b</section><p>c</p>", &["a b", "c"]);
}

#[test]
fn words_for_sharing_are_left_out() {
    case("<p>Facebook</p><p> Print</p><p>» E-Mail</p><p>More on this: x</p><p>a</p>", &["a"]);
    case("<p>Facebook <br>page</p><ul><li>Mail<li>b</ul>", &["Facebook\npage", "b"]);
}

#[test]
fn lists_take_their_items_a_line_each() {
    case(
        "<ul>lead<li>a<li>b<ul><li>c<li>d</ul></ul>tail<p>e</p>",
        &["lead\na\nb\nc\nd", "tail", "e"],
    );
    case("<ul><li><p>a</p><p>b</p></ul><p>c</p>", &["a\nb", "c"]);
    case("<ul><div><p>a</p></div><li>b</ul>", &["b", "a"]);
}

#[test]
fn quotations_and_code_keep_what_they_are() {
    case("<blockquote><p>a</p><p>b</p></blockquote>c<p>d</p>", &["a\n\nb", "c", "d"]);
    case("<pre>if {\n  x;\n}\n</pre><p>a</p>", &["if {\n  x;\n}", "a"]);
    case("<pre>a poem\n  of lines</pre><p>a</p>", &["a poem\n  of lines", "a"]);
    case("<blockquote><pre><code>x\n  y</code></pre>z</blockquote><p>a</p>", &["x\n  y\n\nz", "a"]);
    case("<p>call <code>open()</code>, then</p><p>b</p>", &["call open(), then", "b"]);
    let kinds: Vec<Kind> = collected("<blockquote>a</blockquote><code>b</code><p>c</p>", false)
        .iter()
        .map(|b| b.kind)
        .collect();
    assert_eq!(kinds, [Kind::Quote, Kind::Code, Kind::Paragraph]);
}

#[test]
fn tables_have_a_row_a_line() {
    case("<table><tr><th>a<th>b<tr><td>c<td>d e</table>f<p>g</p>", &["a\tb\nc\td e", "f", "g"]);
    case("<table><tr><td><p>a</p><p>b</p></table>", &["a\nb"]);
    case("<table><tr><td>a<ul><li>left out</ul><td>b</table>", &["a\tb"]);
    case(
        "<table><caption>t</caption><tr><td>a<td><table><tr><td>in<td>side</table></table>",
        &["t\na", "in\tside"],
    );
    case("<table><tr><td><pre>1\n2</pre><td><pre>f {\n  x</pre></table>", &["1\n2\nf {\n  x"]);
    case("<table><td>a<td>b<tr><td>c</table>", &["a\tb\nc"]);
    case("<table><tr><td> <td></table><p>a</p>", &["a"]);
}

#[test]
fn divisions_with_text_of_their_own_are_paragraphs_where_they_may() {
    let texts = |inner| collected(inner, true).into_iter().map(|b| b.text).collect::<Vec<_>>();
    let page = "<div>a<p>b</p></div>tail<div><div>c</div></div><section>lost</section>";
    assert_eq!(texts(page), ["a\n\nb\n\ntail", "c"]);
    case(page, &["b"]);
}

#[test]
fn a_frame_of_nothing_but_lines_is_one_block() {
    let html = "<div class=post>a<br>b<br>c</div>";
    let tree = converted(html);
    let families = families_of(&tree);
    let mut collector = Collector::new(&tree, &families, false);
    collector.divs = true;
    collector.frame(&tree, first(&tree, names::DIV), &mut budget()).expect("cheap");
    let texts: Vec<&str> = collector.blocks.iter().map(|block| block.text.as_str()).collect();
    assert_eq!(texts, ["a\nb\nc"]);
}

#[test]
fn what_is_used_is_not_taken_again() {
    let html = "<article><blockquote><p>a</p></blockquote><p>b</p></article>";
    let tree = converted(html);
    let families = families_of(&tree);
    let mut collector = Collector::new(&tree, &families, false);
    let frame = first(&tree, names::ARTICLE);
    collector.frame(&tree, frame, &mut budget()).expect("cheap");
    collector.frame(&tree, frame, &mut budget()).expect("cheap");
    assert_eq!(collector.blocks.len(), 2);
}

#[test]
fn what_was_taken_is_not_there_for_the_next_frame() {
    let html = "<article><p>a</p>tail<blockquote>b</blockquote><p>c<br>d</p></article>";
    let mut tree = converted(html);
    let families = families_of(&tree);
    let mut collector = Collector::new(&tree, &families, false);
    let frame = first(&tree, names::ARTICLE);
    collector.frame(&tree, frame, &mut budget()).expect("cheap");
    collector.settle(&mut tree, frame);
    assert_eq!(super::shown(&tree), "article(#other(b)#other(c#other()d))");
}
