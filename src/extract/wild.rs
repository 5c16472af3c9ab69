//! Wild text: where no frame gives enough, paragraphs from anywhere on the page.

use std::collections::HashSet;

use super::block::{self, Block};
use super::collect::Collector;
use super::discard::discard;
use super::families::CODE;
use super::links::delete_lists;
use crate::html::{Budget, TooCostly, Tree, names};
use memchr::memmem;

/// Bytes of what is taken that are searched for a repeated text (our choice).
const SEARCHED: usize = 200_000;

/// Adds paragraphs of `tree`, the converted page as it was before any frame, to `blocks`.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn recover(
    tree: &mut Tree<'_>,
    families: &[u32],
    divs: bool,
    recall: bool,
    blocks: &mut Vec<Block>,
    budget: &mut Budget,
) -> Result<(), TooCostly> {
    discard(tree, families, 0, recall, budget)?;
    delete_lists(tree, 0, budget)?;
    let mut collector = Collector::new(tree, families, recall);
    collector.divs = divs || recall;
    let mut taken = String::new();
    let mut equal: HashSet<String> = HashSet::new();
    for block in &*blocks {
        taken.push_str(&block.text);
        taken.push('\n');
        equal.insert(block.text.clone());
    }
    for node in tree.descendants(0) {
        let wanted = match tree.name(node) {
            names::CODE | names::P | names::QUOTE | names::TABLE => true,
            names::DIV => recall || families[node as usize] & CODE != 0,
            names::LB | names::LIST => recall,
            _ => false,
        };
        if !wanted || collector.used[node as usize] {
            continue;
        }
        for block in collector.element(tree, node, budget)? {
            let mut repeated = equal.contains(&block.text);
            if !repeated && block.text.chars().nth(50).is_some() {
                let searched = &taken[..floor(&taken, SEARCHED)];
                budget.spend(searched.len() / 8)?;
                repeated = memmem::find(searched.as_bytes(), block.text.as_bytes()).is_some();
            }
            if !repeated {
                equal.insert(block.text.clone());
                taken.push_str(&block.text);
                taken.push('\n');
                blocks.push(block);
            }
        }
    }
    Ok(())
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// Takes out each block that says the same as the one before it and is longer than 50 characters.
pub fn without_repeats(blocks: &mut Vec<Block>) {
    blocks.dedup_by(|later, earlier| {
        later.text == earlier.text && block::length(std::slice::from_ref(later)) > 50
    });
}
