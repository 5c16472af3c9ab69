//! What is taken out of a page before anything else looks at it: readers' comments, and whole
//! other articles that a theme appends.

use super::families::{APPENDED, COMMENT_SERVICE, COMMENTS, SCROLL};
use crate::html::{Budget, Node, TooCostly, Tree, names};

/// Deletes them in the raw tree. Comments stay where they are what the page is about: a thread.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn prune(
    tree: &mut Tree<'_>,
    families: &[u32],
    is_thread: bool,
    budget: &mut Budget,
) -> Result<(), TooCostly> {
    budget.spend(tree.len())?;
    let headings: Vec<Node> =
        (0..tree.len() as Node).filter(|&node| tree.name(node) == names::H1).collect();
    let has_h1 = |tree: &Tree<'_>, node: Node| {
        let first = headings.partition_point(|&heading| heading < node);
        headings.get(first).is_some_and(|&heading| heading < tree.end(node))
    };
    for node in 0..tree.len() as Node {
        let found = families[node as usize];
        if found & (APPENDED | SCROLL | COMMENTS | COMMENT_SERVICE) == 0 {
            continue;
        }
        let name = tree.name(node);
        let appended = matches!(name, names::DIV | names::SECTION | names::ASIDE)
            && (found & APPENDED != 0 || (found & SCROLL != 0 && !has_h1(tree, node)));
        let of_comments = match name {
            names::DIV | names::LIST | names::SECTION | names::DETAILS => {
                found & (COMMENTS | COMMENT_SERVICE) != 0
            }
            names::OL | names::UL => found & COMMENTS != 0,
            _ => false,
        };
        if appended || (of_comments && !is_thread) {
            tree.delete(node);
        }
    }
    Ok(())
}
