//! The title of a page.
//!
//! In the order of trust: Open Graph; `meta` names for titles (Twitter's, Dublin Core's ...); the
//! headline of an article in JSON-LD; the only `h1`; a heading whose class or id says that it is
//! the title; the part of `title` that is not the site's name; the first heading; all of `title`.

use super::beginnings::Beginnings;
use super::{jsonld, plain};
use crate::html::{Name, Node, Tree, names};
use serde_json::Value;
use std::cell::LazyCell;

/// Longer titles are a whole text in the wrong element (our choice).
const MAX_CHARACTERS: usize = 1000;

/// Names of `meta` elements that hold a title.
const META_NAMES: [&str; 11] = [
    "citation_title",
    "dc.title",
    "dcterms.title",
    "fb_title",
    "headline",
    "parsely-title",
    "rbtitle",
    "sailthru.title",
    "shareaholic:title",
    "title",
    "twitter:title",
];

/// Title of the page in `tree`: one line in NFC, without control characters; None where there is
/// none.
pub fn title(tree: &Tree<'_>) -> Option<String> {
    if tree.is_empty() {
        return None;
    }
    let mut headings = Headings { tree, beginnings: Beginnings::default() };
    let whole = LazyCell::new(|| title_element(tree));
    let found = in_meta(tree)
        .or_else(|| in_json(tree))
        .or_else(|| headings.marked())
        .or_else(|| without_site(&whole).map(str::to_owned))
        .or_else(|| headings.first())
        .unwrap_or_else(|| whole.clone());
    let line = plain::line(&found);
    let end = line.char_indices().nth(MAX_CHARACTERS).map_or(line.len(), |(at, _)| at);
    (end > 0).then(|| line[..end].to_owned())
}

/// Open Graph's title, the last of several, else the first of another name.
fn in_meta(tree: &Tree<'_>) -> Option<String> {
    let (mut graph, mut other) = (None, None);
    for meta in elements(tree, names::META) {
        // One behind the head belongs to something else: a comment, an embedded page.
        if tree.parent(meta).is_none_or(|parent| tree.name(parent) != names::HEAD) {
            continue;
        }
        let Some(content) = tree.attr(meta, "content") else { continue };
        if content.trim().is_empty() {
            continue;
        }
        if let Some(property) = tree.attr(meta, "property") {
            if property == "og:title" {
                graph = Some(content.into_owned());
            }
            continue;
        }
        let named = match tree.attr(meta, "name") {
            Some(name) => META_NAMES.contains(&&*name.to_ascii_lowercase()),
            None => tree
                .attr(meta, "itemprop")
                .is_some_and(|itemprop| itemprop.eq_ignore_ascii_case("headline")),
        };
        if named && other.is_none() {
            other = Some(without_tags(&content)).filter(|text| !text.trim().is_empty());
        }
    }
    graph.or(other)
}

/// `text` without what looks like tags.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let Some(length) = rest[open..].find('>') else { break };
        out.push_str(&rest[..open]);
        rest = &rest[open + length + 1..];
    }
    out.push_str(rest);
    out
}

/// Types of JSON-LD whose headline is the page's.
const ARTICLES: [&str; 10] = [
    "article",
    "backgroundnewsarticle",
    "blogposting",
    "liveblogposting",
    "medicalscholarlyarticle",
    "newsarticle",
    "opinionnewsarticle",
    "reportagenewsarticle",
    "scholarlyarticle",
    "socialmediaposting",
];

fn in_json(tree: &Tree<'_>) -> Option<String> {
    elements(tree, names::SCRIPT).filter(|&element| jsonld::is_json(tree, element)).find_map(
        |element| {
            let text = tree.text(element);
            match jsonld::read(&text) {
                Some(value) => headline(&value),
                None => jsonld::string_after(&text, "headline"),
            }
        },
    )
}

/// Headline of the first article in a JSON-LD value.
fn headline(value: &Value) -> Option<String> {
    jsonld::items(value).find_map(|item| {
        let kinds = jsonld::types(item);
        let kind = kinds.iter().find(|kind| ARTICLES.contains(&&***kind))?;
        let name = item.get("name").filter(|_| kind == "article");
        let text = name.or_else(|| item.get("headline"))?.as_str()?;
        let text = without_tags(text);
        (!text.trim().is_empty()).then_some(text)
    })
}

fn holds(tree: &Tree<'_>, element: Node, attribute: &str, parts: &[&str]) -> bool {
    tree.attr(element, attribute).is_some_and(|value| parts.iter().any(|part| value.contains(part)))
}

fn is_headline(tree: &Tree<'_>, element: Node) -> bool {
    const CLASSES: [&str; 5] =
        ["post-title", "entry-title", "article-title", "post__title", "headline"];
    matches!(tree.name(element), names::H1 | names::H2)
        && (holds(tree, element, "class", &CLASSES)
            || holds(tree, element, "id", &["headline"])
            || holds(tree, element, "itemprop", &["headline"]))
}

fn is_entry_title(tree: &Tree<'_>, element: Node) -> bool {
    matches!(tree.attr(element, "class").as_deref(), Some("entry-title" | "post-title"))
}

fn is_some_title(tree: &Tree<'_>, element: Node) -> bool {
    matches!(tree.name(element), names::H1 | names::H2 | names::H3)
        && (holds(tree, element, "class", &["title"]) || holds(tree, element, "id", &["title"]))
}

/// What stands between a page's title and its site's name.
const SEPARATORS: [char; 17] =
    ['–', '•', '·', '—', '|', '⁄', '*', '⋆', '~', '‹', '«', '<', '›', '»', '>', ':', '-'];

/// The text of the `title` element on one line; empty where there is none.
fn title_element(tree: &Tree<'_>) -> String {
    let in_head =
        |&element: &Node| tree.ancestors(element).any(|around| tree.name(around) == names::HEAD);
    let element = elements(tree, names::TITLE).find(in_head);
    element.map_or_else(String::new, |element| plain::line(&tree.text_content(element)))
}

/// A page's title without its site's name: cut at the last separator, the first part without a
/// point, which a domain has; None where all have one.
fn without_site(title: &str) -> Option<&str> {
    let parts = last_separator(title).map(|at| {
        let after = title[at..].chars().next().map_or(at, |separator| at + separator.len_utf8());
        [title[..at].trim(), title[after..].trim()]
    });
    let mut candidates = parts.into_iter().flatten().chain([title]);
    candidates.find(|part| !part.is_empty() && !part.contains('.'))
}

/// Where the last separator stands that has a blank on both sides and something behind it.
fn last_separator(title: &str) -> Option<usize> {
    title
        .char_indices()
        .filter(|(at, c)| {
            SEPARATORS.contains(c)
                && title[..*at].ends_with(' ')
                && title[at + c.len_utf8()..].starts_with(' ')
        })
        .map(|(at, _)| at)
        .next_back()
}

fn elements<'t>(tree: &'t Tree<'_>, name: Name) -> impl Iterator<Item = Node> + 't {
    tree.descendants(0).filter(move |&element| tree.name(element) == name)
}

/// Headings, each read once.
struct Headings<'t, 's> {
    tree: &'t Tree<'s>,
    beginnings: Beginnings,
}

impl Headings<'_, '_> {
    /// Text of a heading on one line, its blocks apart; None where there is none.
    fn text(&mut self, element: Node) -> Option<String> {
        let parts = |inner| {
            let name = self.tree.name(inner);
            names::is_block(name) || name == names::BR
        };
        let line = plain::line(&self.beginnings.of(self.tree, element, MAX_CHARACTERS, parts));
        (!line.is_empty()).then_some(line)
    }

    /// The only `h1`, else a heading that is marked as the title.
    fn marked(&mut self) -> Option<String> {
        let mut h1s = elements(self.tree, names::H1);
        if let (Some(only), None) = (h1s.next(), h1s.next())
            && let Some(text) = self.text(only)
        {
            return Some(text);
        }
        let marks: [fn(&Tree<'_>, Node) -> bool; 3] = [is_headline, is_entry_title, is_some_title];
        let tree = self.tree;
        marks.into_iter().find_map(|is_marked| {
            tree.descendants(0)
                .filter(|&element| tree.has_attributes(element) && is_marked(tree, element))
                .filter_map(|element| self.text(element))
                .find(|text| (3..200).contains(&text.chars().count()))
        })
    }

    /// The first `h1` with text, else the first `h2`.
    fn first(&mut self) -> Option<String> {
        let tree = self.tree;
        elements(tree, names::H1)
            .find_map(|element| self.text(element))
            .or_else(|| self.text(elements(tree, names::H2).next()?))
    }
}
