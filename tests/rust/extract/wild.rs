//! Wild text.

use super::{budget, converted, families_of};
use webtext::extract::block::Block;
use webtext::extract::wild::{recover, without_repeats};

fn recovered(html: &str, recall: bool, taken: &[&str]) -> Vec<String> {
    let mut tree = converted(html);
    let families = families_of(&tree);
    let mut blocks: Vec<Block> = taken.iter().filter_map(|text| Block::paragraph(text)).collect();
    recover(&mut tree, &families, false, recall, &mut blocks, &mut budget()).expect("cheap");
    blocks.into_iter().map(|block| block.text).collect()
}

#[test]
fn paragraphs_quotations_code_and_tables_from_anywhere() {
    let page = "<div>lost<p>a</p></div><blockquote>b<p>c</p></blockquote><table><tr><td>d</table>\
                <h2>lost</h2><div class=w3-code>e</div><ul><li>lost</ul>";
    assert_eq!(recovered(page, false, &[]), ["a", "b\n\nc", "d", "e"]);
    let recalled = recovered(page, true, &[]);
    assert_eq!(recalled[0], "lost\n\na");
    assert!(recalled.contains(&"lost".to_owned()), "lists in recall mode");
}

#[test]
fn boilerplate_is_left_out_here_too() {
    assert_eq!(
        recovered("<p>text of the page</p><div class=sidebar><p>b</p></div>", false, &[]),
        ["text of the page"]
    );
}

#[test]
fn what_is_taken_already_is_skipped() {
    let long = "x".repeat(51);
    let page = format!("<p>a</p><p>{long}</p><p>b</p><p>b</p>");
    let around = format!("y{long}y");
    assert_eq!(recovered(&page, false, &[&around, "a"]), [&*around, "a", "b"]);
    let short = "x".repeat(50);
    let page = format!("<p>{short}</p>");
    assert_eq!(recovered(&page, false, &[&around]), [&*around, &short], "contained, but not long");
}

#[test]
fn a_long_block_said_twice_in_a_row_is_said_once() {
    let long = "x".repeat(51);
    let mut blocks: Vec<Block> = ["a", "a", &long, &long, "b", &long]
        .iter()
        .filter_map(|text| Block::paragraph(text))
        .collect();
    without_repeats(&mut blocks);
    let texts: Vec<&str> = blocks.iter().map(|block| block.text.as_str()).collect();
    assert_eq!(texts, ["a", "a", &long, "b", &long]);
}
