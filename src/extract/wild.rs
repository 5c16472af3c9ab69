//! Wild text: where no frame gives enough, paragraphs from anywhere on the page.

use super::block::{self, Block};
use super::collect::Collector;
use super::discard::discard;
use super::families::CODE;
use super::links::delete_lists;
use crate::html::{Budget, TooCostly, Tree, names};
use memchr::memmem;
use std::collections::HashSet;

/// Bytes of what is taken that are searched for a repeated text (our choice).
const SEARCHED: usize = 200_000;
/// Bytes that all searches of a page may read together; after them a text counts as repeated only
/// if it equals one that is taken (our choice: three hundred searches of the longest text).
const ALL_SEARCHED: usize = 64_000_000;

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
    let mut taken = Taken::default();
    blocks.iter().for_each(|block| taken.add(&block.text));
    for node in tree.descendants(0) {
        let wanted = match tree.name(node) {
            names::CODE | names::P | names::PRE | names::QUOTE | names::TABLE => true,
            names::DIV => recall || families[node as usize] & CODE != 0,
            names::LB | names::LIST => recall,
            _ => false,
        };
        if !wanted || collector.used[node as usize] {
            continue;
        }
        for block in collector.element(tree, node, budget)? {
            budget.spend(2 * block.text.len())?;
            if !taken.has(&block.text) {
                taken.add(&block.text);
                blocks.push(block);
            }
        }
    }
    Ok(())
}

/// Texts that are taken.
#[derive(Default)]
struct Taken {
    each: HashSet<String>,
    /// The first of them, in order.
    joined: String,
    searched: usize,
}

impl Taken {
    fn add(&mut self, text: &str) {
        self.each.insert(text.to_owned());
        if self.joined.len() < SEARCHED {
            self.joined.push_str(&text[..floor(text, SEARCHED - self.joined.len())]);
            self.joined.push('\n');
        }
    }

    /// Whether `text` is among them or, if it is longer than 50 characters, in one of them.
    fn has(&mut self, text: &str) -> bool {
        if self.each.contains(text) {
            return true;
        }
        if self.searched >= ALL_SEARCHED || text.chars().nth(50).is_none() {
            return false;
        }
        self.searched += self.joined.len();
        memmem::find(self.joined.as_bytes(), text.as_bytes()).is_some()
    }
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
