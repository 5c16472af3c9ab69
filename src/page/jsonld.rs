//! JSON-LD as pages have it: often not quite JSON.

use crate::html::{Node, Tree, names};
use serde_json::Value;

/// Longer ones are not read (our choice): a hostile value takes eighty times its size in memory.
const MAX_BYTES: usize = 1 << 19;

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
/// blanks; what stands around the value, such as a comment or a semicolon, is passed over. Values of
/// more than half a megabyte, or nested deeper than 127, are refused.
pub fn read(text: &str) -> Option<Value> {
    let start = text.find(['{', '['])?;
    let end = text.rfind(['}', ']'])?;
    let text = text.get(start..=end).filter(|text| text.len() <= MAX_BYTES)?;
    let blanked = |c: char| if c.is_control() { ' ' } else { c };
    serde_json::from_str(&text.chars().map(blanked).collect::<String>()).ok()
}

/// The things that a JSON-LD value speaks of: itself, or those in its list, its graph, its blog.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    as_list(value).iter().flat_map(|parent| {
        let inner = parent.get("@graph").or_else(|| parent.get("liveBlogUpdate"));
        as_list(inner.unwrap_or(parent)).iter().filter(|item| item.is_object())
    })
}

/// The types of a thing, in lower case.
pub fn types(item: &Value) -> Vec<String> {
    let kinds = item.get("@type").map(as_list).unwrap_or_default();
    kinds.iter().filter_map(Value::as_str).map(str::to_lowercase).collect()
}

fn as_list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

/// The first string that follows `key` in `text`, for what is too broken to be read.
pub fn string_after(text: &str, key: &str) -> Option<String> {
    let quoted = format!("\"{key}\"");
    text.match_indices(&quoted).find_map(|(at, _)| {
        let value = text[at + quoted.len()..].trim_start().strip_prefix(':')?.trim_start();
        let inside = value.strip_prefix('"')?;
        let mut escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let string = &value[..end + 2];
        let blanked = |c: char| if c.is_control() { ' ' } else { c };
        serde_json::from_str(&string.chars().map(blanked).collect::<String>()).ok()
    })
}
