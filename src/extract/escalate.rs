//! What follows the rules: other ways to a page's text where theirs found little of it.

use super::baseline::baseline;
use super::block::{self, Block, Kind};
use super::clean::clean;
use super::families::HIDDEN;
use super::flow;
use super::furniture::without_furniture;
use super::justext::justext;
use super::readability::{may_rescue, readability};
use super::{ENOUGH, rules};
use crate::html::{Budget, Node, TooCostly, Tree, names};

/// Characters of a text that is left alone, whatever the page holds.
const LONG: usize = 3000;
/// A text with less than this share of the page's is not trusted: one in five.
const SHARE: usize = 5;

/// The page's text, given what the rules made of it: `page` is the pruned raw tree.
///
/// Readability, where `rescue` allows it, and justext are asked where the rules found very little,
/// then [`baseline`]. A text that still covers little of the page is compared with the rules' in
/// recall mode and with justext's paragraphs.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn escalate(
    page: &Tree<'_>,
    families: &[u32],
    own: Vec<Block>,
    rescue: bool,
    budget: &mut Budget,
) -> Result<Vec<Block>, TooCostly> {
    let mut text = compared(page, families, own, false, rescue, budget)?;
    if block::length(&text) < ENOUGH {
        let all = baseline(page, budget)?;
        if block::length(&all) > block::length(&text) {
            text = all;
        }
    }
    let length = block::length(&text);
    if length == 0 || length >= LONG {
        return Ok(text);
    }
    let bare = without_furniture(page, budget)?;
    if SHARE * length >= text_length(&bare, budget)? {
        return Ok(text);
    }
    let retry = rules(page, families, true, budget)?;
    let retry = compared(page, families, retry, true, rescue, budget)?;
    let judged = justext(&bare, budget)?;
    Ok(match choose(length, block::length(&retry), block::length(&judged)) {
        Taken::First => text,
        Taken::Retry => retry,
        Taken::Justext => judged,
    })
}

/// The rules' own text, or a rescue's: readability's, justext's.
fn compared(
    page: &Tree<'_>,
    families: &[u32],
    own: Vec<Block>,
    recall: bool,
    rescue: bool,
    budget: &mut Budget,
) -> Result<Vec<Block>, TooCostly> {
    let mut text = own;
    let mut length = block::length(&text);
    let mut unclean = false;
    let odd = is_odd(&text);
    if rescue
        && may_rescue(length, odd)
        && let Some(article) = readability(&without_hidden(page, families, budget)?, budget)?
        && article.rescues(length, odd)
    {
        length = article.length;
        unclean = article.is_unclean();
        text = article.into_blocks(budget)?;
    }
    if !unclean && length >= ENOUGH {
        return Ok(text);
    }
    let mut cleaned = page.clone();
    clean(&mut cleaned, recall, budget)?;
    let judged = justext(&without_furniture(&cleaned, budget)?, budget)?;
    let found = block::length(&judged);
    let taken = if unclean { found > 0 && length <= 3 * found } else { found > length };
    Ok(if taken { judged } else { text })
}

/// A copy of the page without what readers do not see.
fn without_hidden<'s>(
    page: &Tree<'s>,
    families: &[u32],
    budget: &mut Budget,
) -> Result<Tree<'s>, TooCostly> {
    budget.spend(page.len())?;
    let mut left = page.clone();
    let mut nodes = page.nodes_between(0, page.len() as Node);
    while let Some(node) = nodes.next() {
        if families[node as usize] & HIDDEN != 0 {
            left.delete(node);
            nodes.jump_past(node);
        }
    }
    Ok(left)
}

/// Whether a text has no paragraphs, or fewer than tables: then the page is laid out by other means
/// than the rules look for.
fn is_odd(text: &[Block]) -> bool {
    let count = |kind: Kind| text.iter().filter(|block| block.kind == kind).count();
    let paragraphs = count(Kind::Paragraph);
    !text.is_empty() && (paragraphs == 0 || count(Kind::Table) > paragraphs)
}

/// Characters of all text in the body.
fn text_length(page: &Tree<'_>, budget: &mut Budget) -> Result<usize, TooCostly> {
    budget.spend(page.len())?;
    let mut nodes = page.nodes_between(0, page.len() as Node);
    let Some(body) = nodes.find(|&node| page.name(node) == names::BODY) else { return Ok(0) };
    Ok(block::length(&flow::paragraphs(page, body, page.end(body))))
}

/// Which text is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// What there was.
    First,
    /// The rules' second try, in recall mode.
    Retry,
    /// justext's paragraphs.
    Justext,
}

/// Which of three texts is taken, by their lengths in characters.
pub fn choose(first: usize, retry: usize, justext: usize) -> Taken {
    if justext > retry && justext > 2 * first {
        Taken::Justext
    } else if retry >= ENOUGH && 2 * retry > 3 * first {
        Taken::Retry
    } else {
        Taken::First
    }
}
