//! The block model: which blocks of a page are its main text, by trees trained on labelled pages.
//!
//! What the rules kept is one of many things that the model looks at. Where it keeps next to
//! nothing, the rules' text stands. The table is made by `tools/extract_model/train.py`.

use std::sync::LazyLock;

use super::blocks::{self, Blocks};
use super::context::Context;
use super::discard::LEFT;
use super::families::HIDDEN;
use super::features::Page;
use super::forest::{Forest, Malformed};
use super::{block, flow, wild};
use crate::html::{Budget, Node, TooCostly, Tree};

/// Changes with every table, with every feature, and with what else the engine gives.
pub const NUMBER: u32 = 3;

/// A text of fewer characters is not trusted.
const FEW: usize = 100;
/// The logarithm of the odds of one in four: what is likelier is kept where little is kept.
const ONE_IN_FOUR: f32 = -1.098_612_3;

/// The trees of the first and of the second look.
#[derive(Debug)]
pub struct Model {
    /// For rows of [`Page`].
    pub first: Forest,
    /// For rows of [`Context`].
    pub second: Forest,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    Model::read(include_bytes!("model.bin")).expect("the table was made for this reader")
});

/// The model of this package.
pub fn model() -> &'static Model {
    &MODEL
}

impl Model {
    /// Two forests one after another.
    ///
    /// # Errors
    /// [`Malformed`] where the table is anything else.
    pub fn read(table: &[u8]) -> Result<Model, Malformed> {
        let (first, rest) = Forest::read(table)?;
        let (second, rest) = Forest::read(rest)?;
        if rest.is_empty() { Ok(Model { first, second }) } else { Err(Malformed) }
    }
}

/// Main text by the model, given the rules' text, which stays where a page has too many blocks to
/// look at; `page` is the pruned raw tree.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn text(
    page: &Tree<'_>,
    families: &[u32],
    rules: String,
    budget: &mut Budget,
) -> Result<String, TooCostly> {
    let blocks = blocks::blocks(page, budget)?;
    if blocks.spans.is_empty() || blocks.are_too_many() {
        return Ok(rules);
    }
    let seen = Page::new(page, families, &blocks, &rules, budget)?;
    let scores = scores(&seen, &MODEL, budget)?;
    decide(page, families, &blocks, scores, rules, budget)
}

/// The logarithm of the odds that a block is main text, for each.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn scores(page: &Page<'_>, model: &Model, budget: &mut Budget) -> Result<Vec<f32>, TooCostly> {
    let first = each(page.len(), &model.first, budget, |at, row| page.row(at, row))?;
    let context = Context::new(page, &first);
    each(page.len(), &model.second, budget, |at, row| context.row(at, row))
}

/// Takes what readers do not see out of the choice, unless next to nothing is left.
fn hide(page: &Tree<'_>, families: &[u32], blocks: &Blocks, scores: &mut [f32]) {
    let mut end = 0;
    let unseen: Vec<bool> = (0..page.len() as Node)
        .map(|node| {
            if families[node as usize] & HIDDEN != 0 {
                end = end.max(page.end(node));
            }
            node < end
        })
        .collect();
    let is_unseen = |at: usize| unseen[blocks.runs[blocks.spans[at].runs.0 as usize] as usize];
    let chars = |at: usize| {
        if scores[at] > 0.0 { blocks.spans[at].counts.chars as usize } else { 0 }
    };
    let all: usize = (0..scores.len()).map(chars).sum();
    let seen: usize = (0..scores.len()).filter(|&at| !is_unseen(at)).map(chars).sum();
    if LEFT * seen > all {
        for at in (0..scores.len()).filter(|&at| is_unseen(at)) {
            scores[at] = f32::NEG_INFINITY;
        }
    }
}

/// Scores of the rows that `fill` makes.
fn each(
    rows: usize,
    forest: &Forest,
    budget: &mut Budget,
    fill: impl Fn(usize, &mut Vec<f32>),
) -> Result<Vec<f32>, TooCostly> {
    let mut row = Vec::new();
    let mut scores = Vec::with_capacity(rows);
    for at in 0..rows {
        budget.spend(500 + forest.splits() / 2)?;
        row.clear();
        fill(at, &mut row);
        scores.push(forest.score(&row) as f32);
    }
    Ok(scores)
}

/// Text of the blocks that are likelier main text than not; of those less likely, where that is
/// nearly nothing; else the rules'. What readers do not see is out of the choice.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn decide(
    page: &Tree<'_>,
    families: &[u32],
    blocks: &Blocks,
    mut scores: Vec<f32>,
    rules: String,
    budget: &mut Budget,
) -> Result<String, TooCostly> {
    budget.spend(page.len())?;
    hide(page, families, blocks, &mut scores);
    for least in [0.0, ONE_IN_FOUR] {
        let kept = |at: usize| scores[at] > least;
        let chars: usize = (0..scores.len())
            .filter(|&at| kept(at))
            .map(|at| blocks.spans[at].counts.chars as usize)
            .sum();
        if chars >= FEW {
            return written(page, blocks, kept, budget);
        }
    }
    Ok(rules)
}

/// Plain text of the blocks that are kept: lists, tables and code as they stand.
fn written(
    page: &Tree<'_>,
    blocks: &Blocks,
    kept: impl Fn(usize) -> bool,
    budget: &mut Budget,
) -> Result<String, TooCostly> {
    budget.spend(4 * page.len())?;
    let mut is_kept = vec![false; page.len()];
    for (at, span) in blocks.spans.iter().enumerate() {
        if kept(at) {
            for &run in &blocks.runs[span.runs.0 as usize..span.runs.1 as usize] {
                is_kept[run as usize] = true;
            }
        }
    }
    let mut left = page.clone();
    for node in 0..page.len() as Node {
        if page.is_text(node) && !is_kept[node as usize] {
            left.delete(node);
        }
    }
    let mut found = flow::paragraphs(&left, 0, left.len() as Node);
    wild::without_repeats(&mut found);
    Ok(block::joined(&found))
}
