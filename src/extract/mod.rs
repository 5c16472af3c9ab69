//! The main text of a page, by rules of where and how pages keep it.
//!
//! The rules restate trafilatura 2.3.1 in its balanced mode, without comments and with tables: a
//! raw tree is pruned ([`raw`]), a copy cleaned and converted ([`clean`], [`convert`]); a frame is
//! chosen ([`frames`]), stripped of boilerplate ([`discard`], [`links`]) and its elements become
//! blocks ([`collect`], [`table`]); where that gives too little, [`wild`] takes paragraphs from
//! anywhere. [`escalate`] has what follows: [`readability`] and [`justext`] for pages that lack
//! what the rules look for, [`baseline`] for those without anything else, and a second try where a
//! text covers little of its page. [`model`] then decides block by block, if it is asked; it sees what
//! the rules kept ([`blocks`], [`features`], [`forest`]). Work is counted, so that a page is too costly on every machine or on none.

pub mod align;
pub mod baseline;
pub mod batch;
pub mod block;
pub mod blocks;
pub mod clean;
pub mod collect;
pub mod context;
pub mod convert;
pub mod discard;
pub mod embedded;
pub mod escalate;
pub mod families;
pub mod features;
pub mod flow;
pub mod forest;
pub mod frames;
pub mod furniture;
pub mod justext;
pub mod labels;
pub mod links;
pub mod model;
pub mod naming;
pub mod outline;
pub mod raw;
pub mod readability;
pub mod table;
pub mod thread;
pub mod tokens;
pub mod wild;

use block::Block;
use collect::Collector;

use crate::html::{Budget, Limits, Node, TooCostly, Tree, names};

/// A result shorter than this is not trusted; characters.
const ENOUGH: usize = 250;

/// What extraction depends on.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What a page may hold.
    pub limits: Limits,
    /// Work that one page may cost; see [`Budget`].
    pub budget: u64,
    /// Whether readability's scoring is asked where the rules find little.
    pub rescue: bool,
    /// Whether the model decides, with the rules' text as one of its reasons.
    pub model: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { limits: Limits::default(), budget: 1_000_000_000, rescue: true, model: false }
    }
}

/// What a page's text is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Main text; empty where the page has none.
    pub text: String,
}

/// The main text of a page.
///
/// # Errors
/// [`TooCostly`] for a page beyond the limits or the budget.
pub fn extract(html: &str, options: &Options) -> Result<Extracted, TooCostly> {
    let mut budget = Budget::new(options.budget);
    budget.spend(html.len())?;
    of_tree(Tree::parse(html, &options.limits)?, options, &mut budget)
}

/// The main text of a parsed page.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn of_tree(
    mut page: Tree<'_>,
    options: &Options,
    budget: &mut Budget,
) -> Result<Extracted, TooCostly> {
    if page.is_empty() {
        return Ok(Extracted::default());
    }
    let (families, is_thread) = pruned(&mut page, budget)?;
    let mut text = by_rules(&page, &families, is_thread, options, budget)?;
    if options.model {
        text = model::text(&page, &families, text, budget)?;
    }
    Ok(Extracted { text })
}

/// Prunes the raw tree; the families of its elements, and whether it is a thread.
fn pruned(page: &mut Tree<'_>, budget: &mut Budget) -> Result<(Vec<u32>, bool), TooCostly> {
    let families = families::of_all(page, budget)?;
    let is_thread = thread::is_thread(page, budget)?;
    raw::prune(page, &families, is_thread, budget)?;
    Ok((families, is_thread))
}

/// Main text of a pruned page by the rules and what follows them.
fn by_rules(
    page: &Tree<'_>,
    families: &[u32],
    is_thread: bool,
    options: &Options,
    budget: &mut Budget,
) -> Result<String, TooCostly> {
    let own = rules(page, families, false, budget)?;
    // Readability takes the longest post of a thread for its article.
    let rescue = options.rescue && !is_thread;
    let mut blocks = escalate::escalate(page, families, own, rescue, budget)?;
    wild::without_repeats(&mut blocks);
    Ok(block::joined(&blocks))
}

/// Steps from cleaning to wild text, on a copy of the pruned page.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn rules(
    page: &Tree<'_>,
    families: &[u32],
    recall: bool,
    budget: &mut Budget,
) -> Result<Vec<Block>, TooCostly> {
    let mut tree = page.clone();
    clean::clean(&mut tree, recall, budget)?;
    convert::convert(&mut tree, budget)?;
    let mut before = tree.clone();
    let mut collector = Collector::new(&tree, families, recall);
    for number in 0..frames::EXPRESSIONS {
        budget.spend(tree.len())?;
        let Some(frame) = frames::find(&tree, families, number) else { continue };
        discard::discard(&mut tree, families, frame, recall, budget)?;
        let condemned = links::delete_lists(&mut tree, frame, budget)?;
        if tree.children(frame).next().is_none() {
            continue;
        }
        if paragraph_length(&tree, budget)? < 3 * ENOUGH {
            collector.divs = true;
        }
        collector.frame(&tree, frame, budget)?;
        collector.settle(&mut tree, frame);
        if condemned {
            tree.delete(frame);
        }
        if collector.blocks.len() > 1 {
            break;
        }
    }
    let Collector { divs, mut blocks, .. } = collector;
    if blocks.is_empty() || block::length(&blocks) < ENOUGH {
        wild::recover(&mut before, families, divs, recall, &mut blocks, budget)?;
    }
    Ok(blocks)
}

/// Characters in all paragraphs of the tree.
fn paragraph_length(tree: &Tree<'_>, budget: &mut Budget) -> Result<usize, TooCostly> {
    budget.spend(tree.len())?;
    let mut length = 0;
    let mut inside = 0;
    for node in tree.nodes_between(0, tree.len() as Node) {
        if tree.name(node) == names::P {
            inside = inside.max(tree.end(node));
        } else if node < inside && tree.is_text(node) {
            length += tree.run_length(node);
        }
    }
    Ok(length)
}
