//! Whether a page is a forum's thread, whose comments are what it is about.

use crate::html::{Budget, Node, TooCostly, Tree, names};

/// Whether the page's JSON-LD says that it is a `DiscussionForumPosting`.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn is_thread(page: &Tree<'_>, budget: &mut Budget) -> Result<bool, TooCostly> {
    budget.spend(page.len())?;
    for node in 0..page.len() as Node {
        if page.name(node) == names::SCRIPT
            && page.attr(node, "type").is_some_and(|kind| kind == "application/ld+json")
        {
            let data = page.text(node);
            budget.spend(data.len())?;
            if states_type(&data) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether `"@type"` is given as the posting, alone or first in a list.
fn states_type(data: &str) -> bool {
    data.match_indices("\"@type\"").any(|(at, key)| {
        let value = data[at + key.len()..].trim_start();
        let value = value.strip_prefix(':').map(str::trim_start);
        let value = value.map(|value| value.strip_prefix('[').unwrap_or(value).trim_start());
        value.is_some_and(|value| value.starts_with("\"DiscussionForumPosting\""))
    })
}
