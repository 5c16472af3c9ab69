//! What is never main text, wherever a page has it: for the steps that look at the whole page.

use crate::html::{Budget, Node, TooCostly, Tree, names};

/// What consent tools call their banners, after `cookie` and an optional joint.
const COOKIE: [&str; 7] = ["banner", "bar", "consent", "law", "notice", "policy", "description"];
/// The same after `consent`.
const CONSENT: [&str; 3] = ["banner", "manager", "sdk"];
/// Names of such tools.
const TOOLS: [&str; 6] = ["borlabs", "cookiebot", "cmplz", "onetrust", "moovegdpr", "moove-gdpr"];

/// A copy of the page without asides, footers, scripts, styles, drawings, templates and cookie
/// banners.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn without_furniture<'s>(page: &Tree<'s>, budget: &mut Budget) -> Result<Tree<'s>, TooCostly> {
    budget.spend(page.len())?;
    let mut left = page.clone();
    let mut nodes = page.nodes_between(0, page.len() as Node);
    while let Some(node) = nodes.next() {
        if !page.is_text(node) && is_furniture(page, node, budget)? {
            left.delete(node);
            nodes.jump_past(node);
        }
    }
    Ok(left)
}

fn is_furniture(page: &Tree<'_>, node: Node, budget: &mut Budget) -> Result<bool, TooCostly> {
    let name = page.name(node);
    if matches!(
        name,
        names::ASIDE
            | names::FENCEDFRAME
            | names::FOOTER
            | names::SCRIPT
            | names::STYLE
            | names::SVG
            | names::TEMPLATE
    ) {
        return Ok(true);
    }
    // Only the first of the two is asked for a footer.
    let mut first = true;
    for (attribute, value) in page.attributes(node) {
        if attribute != "class" && attribute != "id" {
            continue;
        }
        budget.spend(value.len())?;
        if (first && name == names::DIV && value.contains("footer")) || is_cookie_banner(&value) {
            return Ok(true);
        }
        first = false;
    }
    Ok(false)
}

/// Whether a class or an id names a cookie banner or the tool that makes one.
fn is_cookie_banner(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let after = |word: &str, ends: &[&str]| {
        lower.match_indices(word).any(|(at, _)| {
            let rest = &lower[at + word.len()..];
            let rest = rest.strip_prefix(['-', '_']).unwrap_or(rest);
            ends.iter().any(|end| rest.starts_with(end))
        })
    };
    let joined_before = || {
        lower.match_indices("cookie").any(|(at, _)| {
            let before = &lower[..at];
            let before = before.strip_suffix(['-', '_']).unwrap_or(before);
            before.strip_suffix(['-', '_']).unwrap_or(before).ends_with("notice")
        })
    };
    after("cookie", &COOKIE)
        || after("consent", &CONSENT)
        || joined_before()
        || lower.contains("moove_gdpr")
        || TOOLS.iter().any(|tool| lower.contains(tool))
}
