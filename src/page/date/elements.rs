//! Elements that are there to hold a date, by their name, class or id.

use super::day::{Bounds, Day};
use super::expression::{MAX_CHARACTERS, parse};
use crate::html::{Node, Tree, names};
use crate::page::beginnings::{Beginnings, first_bytes};

/// A page with more candidates of a kind is a list of things, and none of them its date
/// (htmldate's figure).
const MAX_CANDIDATES: usize = 1000;

/// A text of so many characters or fewer is no date (htmldate's figure).
const MIN_CHARACTERS: usize = 6;

/// The date in the first of `elements` that has one, in its text or its title.
pub(super) fn first_dated(
    tree: &Tree<'_>,
    elements: &[Node],
    beginnings: &mut Beginnings,
    bounds: &Bounds,
) -> Option<Day> {
    if elements.len() > MAX_CANDIDATES {
        return None;
    }
    elements.iter().find_map(|&element| {
        of_text(&beginnings.of(tree, element, MAX_CHARACTERS, |_| false), bounds)
            .or_else(|| of_text(first_bytes(&tree.attr(element, "title")?), bounds))
    })
}

/// The date at the beginning of a text.
fn of_text(text: &str, bounds: &Bounds) -> Option<Day> {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    let end = line.char_indices().nth(MAX_CHARACTERS).map_or(line.len(), |(at, _)| at);
    line.char_indices().nth(MIN_CHARACTERS)?;
    // What follows the last digit is no part of it.
    let last = line[..end].rfind(|c: char| c.is_ascii_digit())?;
    parse(&line[..=last], bounds)
}

/// Elements whose class or id speaks of dates and the like, and footers.
pub(super) fn candidates(tree: &Tree<'_>) -> Vec<Node> {
    let mut found = Vec::new();
    for element in tree.descendants(0) {
        let is_candidate = match tree.name(element) {
            names::FOOTER | names::SMALL => true,
            names::DIV
            | names::H2
            | names::H3
            | names::H4
            | names::LI
            | names::P
            | names::SPAN
            | names::TIME
            | names::UL => speaks_of_dates(tree, element),
            _ => false,
        };
        if is_candidate {
            found.push(element);
            if found.len() > MAX_CANDIDATES {
                break;
            }
        }
    }
    found
}

/// Parts of a class.
const CLASSES: [&str; 15] = [
    "info",
    "post_detail",
    "block-content",
    "byline",
    "subline",
    "posted",
    "submitted",
    "created-post",
    "publication",
    "author",
    "autor",
    "field-content",
    "fa-clock-o",
    "fa-calendar",
    "fecha",
];

fn speaks_of_dates(tree: &Tree<'_>, element: Node) -> bool {
    if !tree.has_attributes(element) {
        return false;
    }
    let (mut first, mut itemprop, mut class, mut id) = (None, None, None, None);
    for (name, value) in tree.attributes(element) {
        let place = match &*name {
            "class" => &mut class,
            "id" => &mut id,
            "itemprop" => {
                itemprop.get_or_insert(value);
                continue;
            }
            _ => continue,
        };
        // Of class and id the one that the source has first.
        if first.is_none() {
            first = Some(value.clone());
        }
        place.get_or_insert(value);
    }
    let dated = |text: &str| {
        let text = text.replace('D', "d");
        text.contains("date") || text.contains("datum")
    };
    if first.as_deref().is_some_and(dated) || itemprop.as_deref().is_some_and(dated) {
        return true;
    }
    let Some(first) = first else { return false };
    ["Meta", "meta", "time", "publish", "footer"].iter().any(|cue| first.contains(cue))
        || class.is_some_and(|class| {
            class.contains("parution") || CLASSES.iter().any(|cue| class.contains(cue))
        })
        || id.is_some_and(|id| id.contains("footer-info-lastmod"))
}

/// The date of the `time` elements: of one that is marked as the page's, else the oldest.
pub(super) fn of_times(tree: &Tree<'_>, bounds: &Bounds) -> Option<Day> {
    let times = named(tree, names::TIME)?;
    let mut oldest: Option<Day> = None;
    for element in times {
        let stamp = tree.attr(element, "datetime").unwrap_or_default();
        let text;
        let expression = if stamp.len() > MIN_CHARACTERS {
            &*stamp
        } else {
            text = tree.text(element);
            &text
        };
        if expression.chars().nth(MIN_CHARACTERS).is_none() {
            continue;
        }
        let Some(day) = parse(first_bytes(expression), bounds) else { continue };
        let class = tree.attr(element, "class").unwrap_or_default();
        let marked = tree.attr(element, "pubdate").is_some_and(|value| value == "pubdate")
            || class.starts_with("entry-date")
            || class.starts_with("entry-time");
        if marked && stamp.len() > MIN_CHARACTERS {
            return Some(day);
        }
        oldest = Some(oldest.map_or(day, |oldest| oldest.min(day)));
    }
    oldest
}

/// The date of the `abbr` elements that old blogs and forums have for it.
pub(super) fn of_abbreviations(
    tree: &Tree<'_>,
    beginnings: &mut Beginnings,
    bounds: &Bounds,
) -> Option<Day> {
    let elements = named(tree, names::ABBR)?;
    let mut oldest: Option<Day> = None;
    let mut older = |day: Option<Day>| {
        if let Some(day) = day {
            oldest = Some(oldest.map_or(day, |oldest| oldest.min(day)));
        }
    };
    for &element in &elements {
        if let Some(seconds) = tree.attr(element, "data-utime") {
            older(seconds.trim().parse().ok().and_then(Day::from_unix));
        } else if let Some("date-published" | "published" | "time published") =
            tree.attr(element, "class").as_deref()
        {
            if let Some(title) = tree.attr(element, "title") {
                if let Some(day) = parse(first_bytes(&title), bounds) {
                    return Some(day);
                }
            } else {
                let text = tree.text(element);
                // Dates, not times of the day.
                if text.chars().nth(10).is_some() {
                    older(parse(first_bytes(&text), bounds));
                }
            }
        }
    }
    oldest
        .filter(|&day| bounds.contain(day))
        .or_else(|| first_dated(tree, &elements, beginnings, bounds))
}

/// The live elements of a name, unless there are none or too many.
fn named(tree: &Tree<'_>, name: names::Name) -> Option<Vec<Node>> {
    let found: Vec<Node> = tree
        .descendants(0)
        .filter(|&element| tree.name(element) == name)
        .take(MAX_CANDIDATES + 1)
        .collect();
    (1..=MAX_CANDIDATES).contains(&found.len()).then_some(found)
}
