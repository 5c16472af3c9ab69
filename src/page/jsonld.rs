//! JSON-LD as pages have it: often not quite JSON.

use crate::html::{Node, Tree, names};
use serde_json::Value;

/// Whether the element is a script that holds JSON-LD.
pub fn is_json(tree: &Tree<'_>, element: Node) -> bool {
    tree.name(element) == names::SCRIPT
        && tree.attr(element, "type").is_some_and(|kind| {
            matches!(&*kind, "application/ld+json" | "application/settings+json")
        })
}

/// The value in `text`, or None where it is no JSON even for a tolerant reader.
///
/// Control characters, which JSON forbids inside strings and many pages have there, count as
/// blanks; what stands around the value, such as a comment or a semicolon, is passed over. Values
/// nested deeper than 127 are refused.
pub fn read(text: &str) -> Option<Value> {
    let start = text.find(['{', '['])?;
    let end = text.rfind(['}', ']'])?;
    let text = text.get(start..=end)?;
    let blanked = |c: char| if c.is_control() { ' ' } else { c };
    serde_json::from_str(&text.chars().map(blanked).collect::<String>()).ok()
}
