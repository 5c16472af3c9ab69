//! The last resort for pages where the rules find little: text taken as it comes.
//!
//! The first source that gives more than a hundred characters is taken: data that the page
//! carries, its articles, its paragraphs; then a product's or video's description, unless all
//! text of the body is longer.

use std::collections::HashSet;

use super::block::{self, Block};
use super::embedded::{embedded, rendered};
use super::flow;
use super::furniture::without_furniture;
use crate::html::{Budget, Name, Node, TooCostly, Tree, names};

/// Characters that a source must give more than, and an article.
const LITTLE: usize = 100;
/// Characters; of a longer paragraph that comes again only the first is kept.
const REPEATABLE: usize = 50;

/// The paragraphs of the page's text; none where it has none. `page` is the raw tree.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn baseline(page: &Tree<'_>, budget: &mut Budget) -> Result<Vec<Block>, TooCostly> {
    let data = embedded(page, budget)?;
    let bodies = all_rendered(&data.bodies, budget)?;
    if block::length(&bodies) > LITTLE {
        return Ok(bodies);
    }
    let page = without_furniture(page, budget)?;
    // Everything below looks at the text a few times.
    budget.spend(4 * page.len())?;
    for source in [articles(&page), without_repeats(texts(&page, is_paragraph))] {
        if block::length(&source) > LITTLE {
            return Ok(source);
        }
    }
    let teasers = all_rendered(&data.teasers, budget)?;
    let body = page.nodes_between(0, page.len() as Node).find(|&n| page.name(n) == names::BODY);
    let all = body.map_or(Vec::new(), |body| flow::paragraphs(&page, body, page.end(body)));
    let teased = block::length(&teasers);
    Ok(if teased > LITTLE && teased > block::length(&all) { teasers } else { all })
}

fn all_rendered(texts: &[String], budget: &mut Budget) -> Result<Vec<Block>, TooCostly> {
    let mut paragraphs = Vec::new();
    let mut seen = HashSet::new();
    // Themes and plugins often embed the same data twice.
    for text in texts.iter().filter(|text| seen.insert(text.as_str())) {
        paragraphs.extend(rendered(text, budget)?);
    }
    Ok(without_repeats(paragraphs))
}

/// Articles, without those that are a fifth of the longest: teasers of others.
fn articles(page: &Tree<'_>) -> Vec<Block> {
    let articles = each_outermost(page, |name| name == names::ARTICLE);
    let articles: Vec<_> = articles.into_iter().map(|text| (block::length(&text), text)).collect();
    let longest = articles.iter().map(|(length, _)| *length).max().unwrap_or(0);
    let wanted = |length: usize| length > LITTLE && 5 * length >= longest;
    articles.into_iter().filter(|(length, _)| wanted(*length)).flat_map(|(_, text)| text).collect()
}

fn is_paragraph(name: Name) -> bool {
    matches!(
        name,
        names::BLOCKQUOTE | names::CODE | names::P | names::PRE | names::Q | names::QUOTE
    )
}

fn texts(page: &Tree<'_>, wanted: fn(Name) -> bool) -> Vec<Block> {
    each_outermost(page, wanted).into_iter().flatten().collect()
}

/// The paragraphs of each element that is `wanted` and is not inside another such.
fn each_outermost(page: &Tree<'_>, wanted: fn(Name) -> bool) -> Vec<Vec<Block>> {
    let mut found = Vec::new();
    let mut nodes = page.nodes_between(0, page.len() as Node);
    while let Some(node) = nodes.next() {
        if wanted(page.name(node)) {
            found.push(flow::paragraphs(page, node, page.end(node)));
            nodes.jump_past(node);
        }
    }
    found
}

fn without_repeats(paragraphs: Vec<Block>) -> Vec<Block> {
    let mut seen = HashSet::new();
    let mut kept: Vec<Block> = Vec::new();
    for block in paragraphs {
        if block.length <= REPEATABLE || seen.insert(block.text.clone()) {
            kept.push(block);
        }
    }
    kept
}
