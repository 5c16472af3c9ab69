//! Main text that a page carries as data: schema.org's in JSON-LD scripts, and the posts that
//! Discourse forums load from an attribute.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::block::Block;
use super::flow;
use crate::html::{Budget, Limits, Node, TooCostly, Tree, names};

/// Bytes of data read from a page, all in all; a parsed value takes some ten times as much. The
/// largest of 3,500 labelled pages has a sixth of it (our choice).
const MOST_BYTES: usize = 4 << 20;

/// A script without any of these has nothing for us.
const HOOKS: [&str; 7] = [
    "articleBody",
    "reviewBody",
    "recipeInstructions",
    "acceptedAnswer",
    "\"Product\"",
    "\"VideoObject\"",
    "\"HowTo\"",
];

/// Tags that texts in data have.
#[rustfmt::skip]
const TAGS: [&str; 38] = [
    "a", "abbr", "article", "b", "blockquote", "br", "cite", "code", "div", "em", "figcaption",
    "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre", "q",
    "s", "section", "small", "span", "strong", "sub", "sup", "table", "td", "tr", "u", "ul",
];

/// Texts found, as their pages have them: with entities and markup.
#[derive(Default)]
pub struct Embedded {
    /// Whole texts: articles, reviews, steps of recipes, answers, posts.
    pub bodies: Vec<String>,
    /// Descriptions of products and videos.
    pub teasers: Vec<String>,
}

/// The texts that `page` carries as data. What is no JSON, or nests deeper than 128 levels, has
/// none.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn embedded(page: &Tree<'_>, budget: &mut Budget) -> Result<Embedded, TooCostly> {
    budget.spend(page.len())?;
    let mut found = Embedded::default();
    let mut left = MOST_BYTES;
    for node in page.nodes_between(0, page.len() as Node) {
        match page.name(node) {
            names::SCRIPT if is_json_ld(page, node) => {
                let text = page.text_content(node);
                budget.spend(text.len())?;
                if HOOKS.iter().any(|hook| text.contains(hook)) {
                    found.schema(&parsed(&text, &mut left));
                }
            }
            names::DIV if page.attr(node, "id").as_deref() == Some("data-preloaded") => {
                if let Some(text) = page.attr(node, "data-preloaded") {
                    budget.spend(text.len())?;
                    found.discourse(&parsed(&text, &mut left), &mut left);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn is_json_ld(page: &Tree<'_>, script: Node) -> bool {
    page.attr(script, "type").is_some_and(|kind| kind.trim() == "application/ld+json")
}

/// Paragraphs of a text that may have markup, itself or once its entities are resolved.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn rendered(text: &str, budget: &mut Budget) -> Result<Vec<Block>, TooCostly> {
    budget.spend(4 * text.len())?;
    let limits = Limits::default();
    if has_markup(text) {
        let fragment = Tree::parse(text, &limits)?;
        return Ok(flow::paragraphs(&fragment, 0, fragment.len() as Node));
    }
    // A text without markup is all text to the parser but for its entities; line ends part its
    // paragraphs.
    let plain = match text.contains('&') {
        true => Tree::parse(&text.replace('<', "&lt;"), &limits)?.text_content(0),
        false => text.to_owned(),
    };
    if has_markup(&plain) {
        let fragment = Tree::parse(&plain, &limits)?;
        return Ok(flow::paragraphs(&fragment, 0, fragment.len() as Node));
    }
    Ok(plain.lines().filter_map(Block::paragraph).collect())
}

/// Whether a tag of HTML stands in the text, and not just a comparison.
fn has_markup(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let inside = &text[at + 1..];
        let closing = inside.starts_with('/');
        let inside = inside.strip_prefix('/').unwrap_or(inside);
        let letters = inside.bytes().take_while(u8::is_ascii_alphanumeric).take(12).count();
        let (tag, rest) = inside.split_at(letters);
        // Attributes have a `=`; what is compared in prose has none.
        let attributes = || {
            let until = rest.find(['<', '>']).filter(|&end| rest.as_bytes()[end] == b'>');
            rest.starts_with([' ', '\n', '\t'])
                && until.is_some_and(|end| rest[..end].contains('='))
        };
        let ends = rest.starts_with('>') || (!closing && rest.starts_with("/>"));
        TAGS.contains(&tag.to_ascii_lowercase().as_str()) && (ends || (!closing && attributes()))
    })
}

/// JSON as found: control characters in strings are allowed. `Null` where it is none, or where
/// more than `left` bytes were asked for.
fn parsed(text: &str, left: &mut usize) -> Value {
    let Some(rest) = left.checked_sub(text.len()) else { return Value::Null };
    *left = rest;
    serde_json::from_str(&without_controls(text)).unwrap_or(Value::Null)
}

/// Control characters as blanks: between values that is what they mean, and in strings raw line
/// ends and tabs are common.
fn without_controls(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte < b' ') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in text.chars() {
        match character {
            '\n' if in_string && !escaped => out.push_str("\\n"),
            '\0'..' ' => out.push(' '),
            _ => out.push(character),
        }
        in_string ^= character == '"' && !escaped;
        escaped = in_string && character == '\\' && !escaped;
    }
    Cow::Owned(out)
}

/// One value or the values of a list.
fn each(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(values)) => values,
        Some(value) => std::slice::from_ref(value),
        None => &[],
    }
}

fn text_in<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.is_empty())
}

impl Embedded {
    /// Collects from schema.org data, in lists and graphs too.
    fn schema(&mut self, data: &Value) {
        let mut waiting: Vec<&Value> = each(Some(data)).iter().rev().collect();
        while let Some(value) = waiting.pop() {
            let Value::Object(item) = value else { continue };
            let keep = |text: &str| text.to_owned();
            self.bodies.extend(text_in(item, "articleBody").map(keep));
            self.bodies.extend(text_in(item, "reviewBody").map(keep));
            for key in ["recipeInstructions", "step"] {
                each(item.get(key)).iter().for_each(|step| self.step(step));
            }
            if let Some(Value::Object(answer)) = item.get("acceptedAnswer") {
                self.bodies.extend(text_in(answer, "text").map(keep));
            }
            if is_described(item) {
                self.teasers.extend(text_in(item, "description").map(keep));
            }
            for inner in ["mainEntity", "@graph"] {
                waiting.extend(each(item.get(inner)).iter().rev());
            }
        }
    }

    /// A step of a recipe: text, or an object with one, or with a list of such.
    fn step(&mut self, step: &Value) {
        match step {
            Value::String(text) => self.bodies.push(text.clone()),
            Value::Object(object) => {
                self.bodies.extend(text_in(object, "text").map(str::to_owned));
                for part in each(object.get("itemListElement")) {
                    if let Value::Object(part) = part {
                        self.bodies.extend(text_in(part, "text").map(str::to_owned));
                    }
                }
            }
            _ => {}
        }
    }

    /// Collects the posts of the topics that a Discourse page has loaded: JSON within JSON.
    fn discourse(&mut self, preloaded: &Value, left: &mut usize) {
        let Value::Object(entries) = preloaded else { return };
        for (_, value) in entries.iter().filter(|(key, _)| key.starts_with("topic_")) {
            let topic = parsed(value.as_str().unwrap_or(""), left);
            let posts = topic.pointer("/post_stream/posts");
            let cooked = |post: &Value| post.get("cooked")?.as_str().map(str::to_owned);
            self.bodies.extend(each(posts).iter().filter_map(cooked));
        }
    }
}

/// Whether an object's description stands for its text: a product's, a video's.
fn is_described(item: &Map<String, Value>) -> bool {
    each(item.get("@type"))
        .iter()
        .filter_map(Value::as_str)
        .any(|kind| kind.contains("Product") || kind.contains("VideoObject"))
}
