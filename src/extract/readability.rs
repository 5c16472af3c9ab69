//! The classic Readability (arc90, 2009) as a rescue for pages where the rules find little.
//!
//! Paragraphs give points to the elements around them; the best element, less what its links make
//! of it, is the article, with those beside it that do well too. Then what looks like anything but
//! text is taken out of it. Loose text in a `div` counts as a paragraph. Everything is one pass
//! over the nodes, with prefix sums or with sums that grow from the leaves.

use std::ops::Range;

use super::block::Block;
use super::clean::clean as clean_page;
use super::flow;
use crate::html::{Budget, Lengths, Name, Node, TooCostly, Tree, names};

/// Characters of the shortest paragraph that gives points, and of the shortest block that is
/// kept without an image.
const SHORTEST: usize = 25;
/// Characters of a text that is left alone unless it is odd: replacing longer ones costs more than
/// it gains on every set of labelled pages. An article must have more to replace an odd one.
const LITTLE: usize = 500;
/// Commas of a block that is kept whatever else is in it.
const COMMAS: u32 = 10;

const UNLIKELY: [&str; 19] = [
    "combx",
    "comment",
    "community",
    "disqus",
    "extra",
    "foot",
    "header",
    "menu",
    "remark",
    "rss",
    "shoutbox",
    "sidebar",
    "sponsor",
    "ad-break",
    "agegate",
    "pagination",
    "pager",
    "popup",
    "tweet",
];
const LIKELY: [&str; 7] = ["and", "article", "body", "column", "content", "main", "shadow"];
const POSITIVE: [&str; 11] = [
    "article",
    "body",
    "content",
    "entry",
    "main",
    "page",
    "pagination",
    "post",
    "text",
    "blog",
    "story",
];
const NEGATIVE: [&str; 23] = [
    "button", "combx", "comment", "com-", "contact", "figure", "foot", "form", "input", "masthead",
    "media", "meta", "outbrain", "promo", "related", "scroll", "shoutbox", "sidebar", "sponsor",
    "shopping", "tags", "tool", "widget",
];
/// A `div` with such an element in it (names that begin so) is no paragraph.
const BLOCKS: [&str; 12] = [
    "address",
    "article",
    "aside",
    "audio",
    "blockquote",
    "dl",
    "div",
    "img",
    "ol",
    "p",
    "table",
    "ul",
];

/// An article cut out of its page.
pub struct Article<'s> {
    /// The page with everything else deleted.
    pub page: Tree<'s>,
    /// Characters of its text, white space collapsed.
    pub length: usize,
    /// Whether the text begins with a brace: data, not prose.
    pub is_data: bool,
}

/// Whether an article may take the place of a text of `length` characters. `odd` says that the text
/// has no paragraphs, or fewer than tables.
pub fn may_rescue(length: usize, odd: bool) -> bool {
    odd || length < LITTLE
}

impl Article<'_> {
    /// Whether the article takes the place of a text of `length` characters: one that is empty,
    /// one that is short and not half as long, or one that is odd and at most twice as long, if
    /// the article is not short itself.
    pub fn rescues(&self, length: usize, odd: bool) -> bool {
        if length == 0 {
            return self.length > 0;
        }
        (length < LITTLE && self.length > 2 * length && !self.is_data)
            || (odd && self.length > LITTLE && length <= 2 * self.length)
    }

    /// Whether something is left in it that is never main text.
    pub fn is_unclean(&self) -> bool {
        use names::*;
        self.page.nodes_between(0, self.page.len() as Node).any(|node| {
            matches!(
                self.page.name(node),
                ASIDE
                    | AUDIO
                    | BUTTON
                    | FENCEDFRAME
                    | FIELDSET
                    | FIGURE
                    | FOOTER
                    | INPUT
                    | LABEL
                    | LINK
                    | NAV
                    | NOINDEX
                    | NOSCRIPT
                    | OBJECT
                    | OPTION
                    | SELECT
                    | SOURCE
                    | SVG
                    | TIME
            )
        })
    }

    /// The article's text, cleaned as every page is.
    ///
    /// # Errors
    /// [`TooCostly`] where `budget` does not last.
    pub fn into_blocks(mut self, budget: &mut Budget) -> Result<Vec<Block>, TooCostly> {
        clean_page(&mut self.page, false, budget)?;
        budget.spend(2 * self.page.len())?;
        Ok(flow::paragraphs(&self.page, 0, self.page.len() as Node))
    }
}

/// The article of a page, or None where nothing on it looks like one. `raw` is the uncleaned tree.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn readability<'s>(
    raw: &Tree<'s>,
    budget: &mut Budget,
) -> Result<Option<Article<'s>>, TooCostly> {
    // A dozen passes, some over the text.
    budget.spend(12 * raw.len())?;
    let mut page = raw.clone();
    prune(&mut page, budget)?;
    let sums = Sums::of(&page, budget)?;
    rename_paragraphs(&mut page, &sums);
    let scores = Scores::of(&page, &sums);
    let Some(best) = scores.best() else { return Ok(None) };
    let kept = with_siblings(&page, &sums, &scores, best);
    keep_only(&mut page, best, &kept);
    let inside = kept[0]..page.end(kept[kept.len() - 1]);
    drop_parts(&mut page, &sums, inside.clone());
    clean(&mut page, &scores, inside);
    let length = Lengths::of(&page).trimmed(0, page.len() as Node);
    let first = page.nodes_between(0, page.len() as Node).filter(|&node| page.is_text(node));
    let first = first.map(|run| page.run(run)).find(|run| !run.trim().is_empty());
    let is_data = first.is_some_and(|run| run.trim_start().starts_with('{'));
    Ok((length > 0).then_some(Article { page, length, is_data }))
}

/// Whether one of the words is in `text`, in lower case.
fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Deletes scripts and what is named like no part of an article.
fn prune(page: &mut Tree<'_>, budget: &mut Budget) -> Result<(), TooCostly> {
    for node in live(page, 0..page.len() as Node) {
        let name = page.name(node);
        if matches!(name, names::SCRIPT | names::STYLE | names::FENCEDFRAME) {
            page.delete(node);
        } else if !matches!(name, names::TEXT | names::HTML | names::BODY) {
            let of = |attribute| page.attr(node, attribute).unwrap_or_default();
            let named = format!("{} {}", of("class"), of("id")).to_lowercase();
            budget.spend(4 * named.len())?;
            if has_any(&named, &UNLIKELY) && !has_any(&named, &LIKELY) {
                page.delete(node);
            }
        }
    }
    Ok(())
}

/// Live nodes, in document order.
fn live(page: &Tree<'_>, inside: Range<Node>) -> Vec<Node> {
    page.nodes_between(inside.start, inside.end).collect()
}

/// Counts over ranges of nodes, of what was live when they were made.
struct Sums {
    lengths: Lengths,
    /// Before each node; one more than there are nodes.
    commas: Vec<u32>,
    linked: Vec<u32>,
    links: Vec<u32>,
    blocks: Vec<u32>,
}

impl Sums {
    fn of(page: &Tree<'_>, budget: &mut Budget) -> Result<Self, TooCostly> {
        let lengths = Lengths::of(page);
        let nodes = page.len();
        let mut sums = Sums {
            lengths,
            commas: vec![0; nodes + 1],
            linked: vec![0; nodes + 1],
            links: vec![0; nodes + 1],
            blocks: vec![0; nodes + 1],
        };
        for node in page.nodes_between(0, nodes as Node) {
            let next = node as usize + 1;
            let name = page.name(node);
            match name {
                names::TEXT => {
                    let run = page.run(node);
                    budget.spend(run.len())?;
                    sums.commas[next] = run.matches(',').count() as u32;
                }
                names::A => {
                    sums.links[next] = 1;
                    sums.linked[next] = sums.lengths.trimmed(node, page.end(node)) as u32;
                }
                _ => {
                    let text = page.name_of(name);
                    let block = BLOCKS.iter().any(|block| text.starts_with(block));
                    sums.blocks[next] = u32::from(block);
                }
            }
        }
        for counts in [&mut sums.commas, &mut sums.linked, &mut sums.links, &mut sums.blocks] {
            let mut sum = 0;
            for count in counts {
                sum += *count;
                *count = sum;
            }
        }
        Ok(sums)
    }

    /// Share of the text in `from..end` that stands in links inside it.
    fn link_density(&self, from: Node, end: Node) -> f64 {
        let linked = count(&self.linked, from + 1, end);
        f64::from(linked) / self.lengths.trimmed(from, end).max(1) as f64
    }
}

fn count(sums: &[u32], from: Node, end: Node) -> u32 {
    sums[end as usize] - sums[from as usize]
}

fn is_blank(page: &Tree<'_>, run: Node) -> bool {
    page.run(run).trim().is_empty()
}

/// Makes a `div` a `p` where no block is in it, and more than links.
fn rename_paragraphs(page: &mut Tree<'_>, sums: &Sums) {
    for node in live(page, 0..page.len() as Node) {
        let inside = (node + 1, page.end(node));
        if page.name(node) != names::DIV || count(&sums.blocks, inside.0, inside.1) > 0 {
            continue;
        }
        let loose = |page: &Tree<'_>| {
            page.child_nodes(node).any(|child| page.is_text(child) && !is_blank(page, child))
        };
        if count(&sums.links, inside.0, inside.1) == 0 || loose(page) {
            page.rename(node, names::P);
        }
    }
}

/// Points for what class and id say.
fn class_weight(page: &Tree<'_>, node: Node) -> f64 {
    let mut weight = 0.0;
    for attribute in ["class", "id"] {
        let Some(value) = page.attr(node, attribute) else { continue };
        let value = value.to_lowercase();
        weight -= if has_any(&value, &NEGATIVE) { 25.0 } else { 0.0 };
        weight += if has_any(&value, &POSITIVE) { 25.0 } else { 0.0 };
    }
    weight
}

fn name_points(name: Name) -> f64 {
    match name {
        names::DIV | names::ARTICLE => 5.0,
        names::PRE | names::TD | names::BLOCKQUOTE => 3.0,
        names::ADDRESS
        | names::OL
        | names::UL
        | names::DL
        | names::DD
        | names::DT
        | names::LI
        | names::FORM
        | names::ASIDE => -3.0,
        names::H1
        | names::H2
        | names::H3
        | names::H4
        | names::H5
        | names::H6
        | names::TH
        | names::HEADER
        | names::FOOTER
        | names::NAV => -5.0,
        _ => 0.0,
    }
}

/// Whether the node counts as a paragraph: an element, or loose text in a `div`.
fn is_paragraph(page: &Tree<'_>, node: Node) -> bool {
    match page.name(node) {
        names::P | names::PRE | names::TD => true,
        names::TEXT => page.parent(node).is_some_and(|parent| page.name(parent) == names::DIV),
        _ => false,
    }
}

/// Points of the elements around paragraphs.
struct Scores {
    points: Vec<f64>,
    /// Those that have points, in the order in which they got the first.
    candidates: Vec<Node>,
}

impl Scores {
    fn of(page: &Tree<'_>, sums: &Sums) -> Self {
        let mut scores = Scores { points: vec![f64::NAN; page.len()], candidates: Vec::new() };
        for node in live(page, 0..page.len() as Node) {
            let end = page.end(node);
            let length = sums.lengths.trimmed(node, end);
            if length < SHORTEST || !is_paragraph(page, node) {
                continue;
            }
            let commas = f64::from(count(&sums.commas, node, end));
            let points = 2.0 + commas + (length as f64 / 100.0).min(3.0);
            for (up, share) in page.ancestors(node).zip([1.0, 0.5]) {
                if scores.points[up as usize].is_nan() {
                    let own = class_weight(page, up) + name_points(page.name(up));
                    scores.points[up as usize] = own;
                    scores.candidates.push(up);
                }
                scores.points[up as usize] += share * points;
            }
        }
        for &node in &scores.candidates {
            scores.points[node as usize] *= 1.0 - sums.link_density(node, page.end(node));
        }
        scores
    }

    fn get(&self, node: Node) -> Option<f64> {
        Some(self.points[node as usize]).filter(|points| !points.is_nan())
    }

    /// The first of those with most points.
    fn best(&self) -> Option<Node> {
        let mut best: Option<Node> = None;
        for &node in &self.candidates {
            let beaten = |best: Node| self.points[node as usize] > self.points[best as usize];
            if best.is_none_or(beaten) {
                best = Some(node);
            }
        }
        best
    }
}

/// The best element and what stands beside it and belongs to it.
fn with_siblings(page: &Tree<'_>, sums: &Sums, scores: &Scores, best: Node) -> Vec<Node> {
    let Some(parent) = page.parent(best) else { return vec![best] };
    let threshold = (0.2 * scores.points[best as usize]).max(10.0);
    let in_div = page.name(parent) == names::DIV;
    let mut kept: Vec<Node> = Vec::new();
    // Whether the element before this place is kept: its tail goes with it.
    let mut before = false;
    for node in page.child_nodes(parent) {
        let wanted = if page.is_text(node) {
            if in_div { is_prose(page, sums, node, &page.run(node)) } else { before }
        } else if node == best || scores.get(node).is_some_and(|points| points >= threshold) {
            true
        } else {
            page.name(node) == names::P && is_prose(page, sums, node, &page.text(node))
        };
        if wanted {
            kept.push(node);
        }
        before = wanted;
    }
    kept
}

/// Whether a paragraph that begins with `text` reads like sentences.
fn is_prose(page: &Tree<'_>, sums: &Sums, node: Node, text: &str) -> bool {
    let density = sums.link_density(node, page.end(node));
    if text.chars().nth(80).is_some() {
        return density < 0.25;
    }
    density == 0.0 && (text.contains(". ") || text.trim_end_matches('\n').ends_with('.'))
}

/// Deletes everything but `kept`, children of one parent.
fn keep_only(page: &mut Tree<'_>, best: Node, kept: &[Node]) {
    let mut delete: Vec<Node> = Vec::new();
    if let Some(parent) = page.parent(best) {
        let mut wanted = kept.iter().copied().peekable();
        delete.extend(page.child_nodes(parent).filter(|&node| wanted.next_if_eq(&node).is_none()));
        let mut inside = parent;
        for around in page.ancestors(parent) {
            delete.extend(page.child_nodes(around).filter(|&node| node != inside));
            inside = around;
        }
    }
    delete.into_iter().for_each(|node| page.delete(node));
}

/// Deletes forms, frames, and headings that are links or named like no part of a text.
fn drop_parts(page: &mut Tree<'_>, sums: &Sums, inside: Range<Node>) {
    for node in live(page, inside) {
        let drop = match page.name(node) {
            names::FORM | names::TEXTAREA | names::IFRAME => true,
            names::H1 | names::H2 | names::H3 | names::H4 | names::H5 | names::H6 => {
                class_weight(page, node) < 0.0 || sums.link_density(node, page.end(node)) > 0.33
            }
            _ => false,
        };
        if drop {
            page.delete(node);
        }
    }
}

/// What is left in a part of the article.
#[derive(Clone, Copy, Default)]
struct Part {
    inked: u32,
    words: u32,
    /// Characters in links.
    linked: u32,
    commas: u32,
    paragraphs: u32,
    images: u32,
    items: u32,
    embeds: u32,
    /// Inputs that are seen.
    inputs: u32,
}

impl Part {
    fn add(&mut self, other: &Part) {
        self.inked += other.inked;
        self.words += other.words;
        self.linked += other.linked;
        self.commas += other.commas;
        self.paragraphs += other.paragraphs;
        self.images += other.images;
        self.items += other.items;
        self.embeds += other.embeds;
        self.inputs += other.inputs;
    }

    /// Characters, white space collapsed.
    fn length(&self) -> usize {
        (self.inked + self.words).saturating_sub(1) as usize
    }

    /// Whether this is text, by what is in it; `weight` by its class and id.
    fn is_text(&self, is_list: bool, weight: f64) -> bool {
        if self.commas >= COMMAS {
            return true;
        }
        let (length, paragraphs) = (self.length(), f64::from(self.paragraphs));
        let density = f64::from(self.linked) / length.max(1) as f64;
        let pictured = self.paragraphs > 0 && f64::from(self.images) > 1.0 + 1.3 * paragraphs;
        // A hundred items are nothing unusual.
        let listed = !is_list && self.items.saturating_sub(100) > self.paragraphs;
        let asking = f64::from(self.inputs) > paragraphs / 3.0;
        let short = length < SHORTEST && (self.images == 0 || self.images > 2);
        let linked = density > if weight >= 25.0 { 0.5 } else { 0.2 };
        let embedded = self.embeds > 1 || (self.embeds == 1 && length < 75);
        !(pictured || listed || asking || short || linked || embedded || length == 0)
    }
}

/// Deletes blocks that are no text, from the inside to the outside.
fn clean(page: &mut Tree<'_>, scores: &Scores, inside: Range<Node>) {
    let mut parts: Vec<(Node, Part)> = Vec::new();
    for node in live(page, inside).into_iter().rev() {
        let mut part = Part::default();
        // Its children are what was put there last.
        while let Some((_, child)) = parts.pop_if(|(child, _)| *child < page.end(node)) {
            part.add(&child);
        }
        let name = page.name(node);
        match name {
            names::TEXT => {
                let run = page.run(node);
                part.words = run.split_whitespace().count() as u32;
                part.inked = run.chars().filter(|c| !c.is_whitespace()).count() as u32;
                part.commas = run.matches(',').count() as u32;
            }
            names::TABLE
            | names::UL
            | names::DIV
            | names::ASIDE
            | names::HEADER
            | names::FOOTER
            | names::SECTION => {
                let weight = class_weight(page, node);
                let points = scores.get(node).unwrap_or(0.0);
                if weight + points < 0.0 || !part.is_text(name == names::UL, weight) {
                    page.delete(node);
                    continue;
                }
            }
            names::A => part.linked += part.length() as u32,
            names::P => part.paragraphs += 1,
            names::IMG => part.images += 1,
            names::LI => part.items += 1,
            names::EMBED => part.embeds += 1,
            names::INPUT => {
                let hidden = page.attr(node, "type").is_some_and(|kind| kind == "hidden");
                part.inputs += u32::from(!hidden);
            }
            _ => {}
        }
        parts.push((node, part));
    }
}
