//! The day on which a page says that it was published.
//!
//! Evidence in the order of trust: the address; `meta` elements; JSON-LD; `abbr` elements of old
//! blogs; elements whose class or id speaks of dates; title and headline; `time` elements; days with
//! a time of day in attributes or text; the address of the page's picture; numbers that are announced as a date; a date
//! in the text. The order and the figures are those of htmldate in its mode for original dates
//! without extensive search, to which the answers are held by tests; guesses such as the copyright
//! year of a footer are left out.
//!
//! A date is never later than the capture. Where that time is not known there is no upper bound:
//! the clock is never asked.

mod day;
mod elements;
mod expression;
mod header;
mod months;
mod scan;

pub use day::{Bounds, Day};

use super::beginnings::Beginnings;
use crate::html::{Node, Tree, names};

/// Elements whose content is no text of the page.
const PRUNED: [names::Name; 17] = [
    names::APPLET,
    names::AUDIO,
    names::CANVAS,
    names::DATALIST,
    names::EMBED,
    names::FRAME,
    names::FRAMESET,
    names::IFRAME,
    names::LABEL,
    names::MAP,
    names::MATH,
    names::NOFRAMES,
    names::OBJECT,
    names::PICTURE,
    names::SVG,
    names::TRACK,
    names::VIDEO,
];

/// The day on which the page in `tree` was published, or None where it does not say.
///
/// Without `url` the page's canonical address is asked.
pub fn published(tree: &Tree<'_>, url: Option<&str>, bounds: &Bounds) -> Option<Day> {
    if tree.is_empty() {
        return None;
    }
    let canonical = || Some(tree.attr(canonical_link(tree)?, "href")?.into_owned());
    let from_url = match url {
        Some(url) => scan::in_url(url, bounds),
        None => canonical().and_then(|url| scan::in_url(&url, bounds)),
    };
    let mut beginnings = Beginnings::default();
    from_url
        .or_else(|| header::date(tree, bounds))
        .or_else(|| in_json(tree, bounds))
        .or_else(|| elements::of_abbreviations(tree, &mut beginnings, bounds))
        .or_else(|| in_page(&pruned(tree), &mut beginnings, bounds))
}

/// The date in what a reader sees of the page.
fn in_page(tree: &Tree<'_>, beginnings: &mut Beginnings, bounds: &Bounds) -> Option<Day> {
    let headlines: Vec<Node> = tree
        .descendants(0)
        .filter(|&element| matches!(tree.name(element), names::TITLE | names::H1))
        .collect();
    elements::first_dated(tree, &elements::candidates(tree), beginnings, bounds)
        .or_else(|| elements::first_dated(tree, &headlines, beginnings, bounds))
        .or_else(|| elements::of_times(tree, bounds))
        .or_else(|| in_markup(tree, bounds))
        .or_else(|| scan::iso_date(&visible_text(tree), false, bounds))
}

/// The date in attributes, scripts and text, by what stands beside it.
fn in_markup(tree: &Tree<'_>, bounds: &Bounds) -> Option<Day> {
    let markup = markup(tree);
    scan::iso_date(&markup, true, bounds)
        .or_else(|| scan::in_url(&picture(tree)?, bounds))
        .or_else(|| scan::announced(&markup, bounds))
}

/// The tree as markup again, without comments: caches leave their times in them.
fn markup(tree: &Tree<'_>) -> String {
    let mut out = String::new();
    let mut open: Vec<Node> = Vec::new();
    for node in tree.nodes(0) {
        while let Some(element) = open.pop_if(|element| tree.end(*element) <= node) {
            out.extend(["</", tree.name_of(tree.name(element)), ">"]);
        }
        if tree.is_text(node) {
            tree.run_into(node, &mut out);
            continue;
        }
        out.extend(["<", tree.name_of(tree.name(node))]);
        for (name, value) in tree.attributes(node) {
            out.extend([" ", &*name, "=\"", &*value, "\""]);
        }
        out.push('>');
        open.push(node);
    }
    out
}

fn pruned<'s>(tree: &Tree<'s>) -> Tree<'s> {
    let mut copy = tree.clone();
    for element in tree.descendants(0) {
        let banner = || {
            let id = tree.attr(element, "id");
            matches!(id.as_deref(), Some("wm-ipp-base" | "wm-ipp"))
        };
        let name = tree.name(element);
        // The Wayback Machine's banner has dates of its own.
        if PRUNED.contains(&name) || (name == names::DIV && banner()) {
            copy.delete(element);
        }
    }
    copy
}

fn canonical_link(tree: &Tree<'_>) -> Option<Node> {
    tree.descendants(0).find(|&element| {
        tree.name(element) == names::LINK
            && tree.attr(element, "rel").is_some_and(|rel| rel == "canonical")
    })
}

/// The date in the page's JSON-LD.
fn in_json(tree: &Tree<'_>, bounds: &Bounds) -> Option<Day> {
    tree.descendants(0)
        .filter(|&element| super::jsonld::is_json(tree, element))
        .find_map(|element| scan::in_json(&tree.text(element), bounds))
}

/// The address of the picture that stands for the page.
fn picture(tree: &Tree<'_>) -> Option<String> {
    let meta = tree.descendants(0).find(|&element| {
        tree.name(element) == names::META
            && tree.attr(element, "property").is_some_and(|property| property == "og:image")
            && tree.attr(element, "content").is_some()
    })?;
    Some(tree.attr(meta, "content")?.into_owned())
}

/// All text but that of scripts and styles, runs apart.
fn visible_text(tree: &Tree<'_>) -> String {
    let mut out = String::new();
    for run in tree.nodes(0).filter(|&node| tree.is_text(node)) {
        let around = tree.parent(run).map(|parent| tree.name(parent));
        if !matches!(around, Some(names::SCRIPT | names::STYLE)) {
            tree.run_into(run, &mut out);
            out.push(' ');
        }
    }
    out
}
