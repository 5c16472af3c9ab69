//! The main text of a page, by rules of where and how pages keep it.
//!
//! The rules restate trafilatura 2.3.1 in its balanced mode, without comments and with tables: a
//! raw tree is pruned ([`raw`]), a copy cleaned and converted ([`clean`], [`convert`]); a frame is
//! chosen ([`frames`]), stripped of boilerplate ([`discard`], [`links`]) and its elements become
//! blocks ([`collect`], [`table`]); where that gives too little, [`wild`] takes paragraphs from
//! anywhere. [`escalate`] has what follows: [`readability`] and [`justext`] for pages that lack
//! what the rules look for, [`baseline`] for those without anything else, and a second try where a
//! text covers little of its page. Work is counted, so that a page is too costly on every machine or on none.

pub mod align;
pub mod baseline;
pub mod batch;
pub mod block;
pub mod blocks;
pub mod clean;
pub mod collect;
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
    let Some(mut prepared) = Prepared::new(html, options)? else {
        return Ok(Extracted::default());
    };
    let mut text = prepared.rules(options)?;
    if options.model {
        text = model::text(&prepared.page, &prepared.families, text, &mut prepared.budget)?;
    }
    Ok(Extracted { text })
}

/// A page after the raw prune.
struct Prepared<'s> {
    page: Tree<'s>,
    families: Vec<u32>,
    budget: Budget,
}

impl<'s> Prepared<'s> {
    /// None for a page without anything.
    fn new(html: &'s str, options: &Options) -> Result<Option<Self>, TooCostly> {
        let mut budget = Budget::new(options.budget);
        budget.spend(html.len())?;
        let mut page = Tree::parse(html, &options.limits)?;
        if page.is_empty() {
            return Ok(None);
        }
        let families = families::of_all(&page, &mut budget)?;
        let is_thread = thread::is_thread(&page, &mut budget)?;
        raw::prune(&mut page, &families, is_thread, &mut budget)?;
        Ok(Some(Prepared { page, families, budget }))
    }

    /// Main text by the rules and what follows them.
    fn rules(&mut self, options: &Options) -> Result<String, TooCostly> {
        let Prepared { page, families, budget } = self;
        let own = rules(page, families, false, budget)?;
        let mut blocks = escalate::escalate(page, families, own, options.rescue, budget)?;
        wild::without_repeats(&mut blocks);
        Ok(block::joined(&blocks))
    }
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
