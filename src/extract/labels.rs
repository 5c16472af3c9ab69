//! What training needs: the rows of a page's blocks with their labels, and a page's text by scores
//! from elsewhere. The code is that of extraction, so that both see the same.

use super::blocks::{self, Blocks};
use super::context::Context;
use super::features::{self, Page};
use super::model;
use super::{Options, tokens};
use crate::html::{Budget, TooCostly, Tree};
use crate::page;

/// Rows of the blocks of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Numbers of all blocks, one block's after another's.
    pub features: Vec<f32>,
    /// Share of each block's words that stand in the gold text, in order.
    pub shares: Vec<f32>,
    /// Words of each block.
    pub words: Vec<u32>,
    /// Text of each block.
    pub texts: Vec<String>,
}

/// A page, its families, blocks, and text by the rules.
struct Prepared<'s> {
    page: Tree<'s>,
    families: Vec<u32>,
    blocks: Blocks,
    rules: String,
    budget: Budget,
}

/// All that the model looks at; None for a page that it does not look at.
fn prepared<'s>(html: &'s str, options: &Options) -> Result<Option<Prepared<'s>>, TooCostly> {
    let mut budget = Budget::new(options.budget);
    let mut page = Tree::parse(html, &options.limits)?;
    if page.is_empty() {
        return Ok(None);
    }
    let (families, is_thread) = super::pruned(&mut page, &mut budget)?;
    let rules = super::by_rules(&page, &families, is_thread, options, &mut budget)?;
    let blocks = blocks::blocks(&page, &mut budget)?;
    Ok((!blocks.are_too_many()).then_some(Prepared { page, families, blocks, rules, budget }))
}

/// The rows of a page whose main text should be `gold`.
///
/// # Errors
/// [`TooCostly`] for a page beyond the limits or the budget.
pub fn rows(html: &str, gold: &str, options: &Options) -> Result<Rows, TooCostly> {
    let mut rows = Rows::default();
    let Some(prepared) = prepared(html, options)? else { return Ok(rows) };
    let Prepared { page, families, blocks, rules, mut budget } = prepared;
    let seen = Page::new(&page, &families, &blocks, &rules, &mut budget)?;
    (0..seen.len()).for_each(|at| seen.row(at, &mut rows.features));
    rows.shares = features::shares(&blocks, &tokens::tokens(gold), &mut budget)?;
    rows.words = blocks.spans.iter().map(|span| span.words.1 - span.words.0).collect();
    rows.texts = texts(&page, &blocks);
    Ok(rows)
}

fn texts(page: &Tree<'_>, blocks: &Blocks) -> Vec<String> {
    let text = |span: &blocks::Span| {
        let mut text = String::new();
        for &run in &blocks.runs[span.runs.0 as usize..span.runs.1 as usize] {
            page.run_into(run, &mut text);
        }
        text
    };
    blocks.spans.iter().map(text).collect()
}

/// Rows of the second look at the blocks of a page whose scores at the first are `scores`.
///
/// # Errors
/// [`TooCostly`] for a page beyond the limits or the budget.
pub fn second_rows(html: &str, scores: &[f32], options: &Options) -> Result<Vec<f32>, TooCostly> {
    let mut rows = Vec::new();
    let Some(prepared) = prepared(html, options)? else { return Ok(rows) };
    let Prepared { page, families, blocks, rules, mut budget } = prepared;
    if blocks.spans.len() == scores.len() {
        let seen = Page::new(&page, &families, &blocks, &rules, &mut budget)?;
        let context = Context::new(&seen, scores);
        (0..seen.len()).for_each(|at| context.row(at, &mut rows));
    }
    Ok(rows)
}

/// The text of a page by `scores` of its blocks, which are those of [`rows`]; the rules' where
/// they are not.
///
/// # Errors
/// [`TooCostly`] for a page beyond the limits or the budget.
pub fn text_by(html: &str, scores: &[f32], options: &Options) -> Result<String, TooCostly> {
    let Some(prepared) = prepared(html, options)? else { return Ok(String::new()) };
    let Prepared { page, families, blocks, rules, mut budget } = prepared;
    if blocks.spans.len() != scores.len() {
        return Ok(rules);
    }
    model::decide(&page, &families, &blocks, scores.to_vec(), rules, &mut budget)
}

/// Rows of many pages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AllRows {
    /// The rows; their texts are in `texts`.
    pub rows: Rows,
    /// Bounds of each page's blocks; one more than pages.
    pub page_offsets: Vec<i64>,
    /// Bounds of each block's text; one more than blocks.
    pub text_offsets: Vec<i64>,
    /// Texts one after another.
    pub texts: String,
}

/// Bounds and bytes of a column.
type Column<'a> = (&'a [i64], &'a [u8]);

fn cell<'a>(column: Column<'a>, row: usize) -> &'a [u8] {
    &column.1[column.0[row] as usize..column.0[row + 1] as usize]
}

fn page_text(pages: Column<'_>, types: Column<'_>, row: usize) -> String {
    let kind = String::from_utf8_lossy(cell(types, row));
    let kind = (!kind.is_empty()).then_some(&*kind);
    page::decode(cell(pages, row), kind).text.into_owned()
}

/// [`rows`] of many pages; a page that is too costly has none.
pub fn all_rows(pages: Column<'_>, types: Column<'_>, golds: Column<'_>) -> AllRows {
    let options = Options::default();
    let mut all = AllRows { page_offsets: vec![0], text_offsets: vec![0], ..AllRows::default() };
    for row in 0..pages.0.len().saturating_sub(1) {
        let html = page_text(pages, types, row);
        let gold = String::from_utf8_lossy(cell(golds, row));
        let found = rows(&html, &gold, &options).unwrap_or_default();
        all.rows.features.extend(found.features);
        all.rows.shares.extend(found.shares);
        all.rows.words.extend(found.words);
        for text in found.texts {
            all.texts.push_str(&text);
            all.text_offsets.push(all.texts.len() as i64);
        }
        all.page_offsets.push(all.rows.words.len() as i64);
    }
    all
}

/// [`text_by`] of many pages; scores are little-endian floats, bounds in bytes.
pub fn all_texts(pages: Column<'_>, types: Column<'_>, scores: Column<'_>) -> (Vec<i64>, String) {
    let options = Options::default();
    let (mut offsets, mut texts) = (vec![0], String::new());
    for row in 0..pages.0.len().saturating_sub(1) {
        let html = page_text(pages, types, row);
        let scores = floats(cell(scores, row));
        texts.push_str(&text_by(&html, &scores, &options).unwrap_or_default());
        offsets.push(texts.len() as i64);
    }
    (offsets, texts)
}

/// [`second_rows`] of many pages; scores as in [`all_texts`].
pub fn all_second_rows(pages: Column<'_>, types: Column<'_>, scores: Column<'_>) -> Vec<f32> {
    let options = Options::default();
    let mut rows = Vec::new();
    for row in 0..pages.0.len().saturating_sub(1) {
        let html = page_text(pages, types, row);
        let scores = floats(cell(scores, row));
        rows.extend(second_rows(&html, &scores, &options).unwrap_or_default());
    }
    rows
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
