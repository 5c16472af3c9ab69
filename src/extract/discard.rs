//! Boilerplate inside a frame, by the names of its elements.

use super::families::{BOILERPLATE, CAPTION, HIDDEN, TEASER};
use crate::html::{Budget, Lengths, Node, TooCostly, Tree, names};

/// More than this share of a frame's text must stay: one in seven. Else the names lie.
pub const LEFT: usize = 7;

/// Deletes boilerplate, captions and, without `recall`, teasers inside `frame`.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn discard(
    tree: &mut Tree<'_>,
    families: &[u32],
    frame: Node,
    recall: bool,
    budget: &mut Budget,
) -> Result<(), TooCostly> {
    budget.spend(3 * (tree.end(frame) - frame) as usize)?;
    let is_part = |tree: &Tree<'_>, node: Node| {
        use names::*;
        matches!(tree.name(node), DIV | ITEM | LIST | P | SECTION | SPAN)
    };
    let outermost = |tree: &Tree<'_>, wanted: &dyn Fn(Node, u32) -> bool| {
        let mut found = Vec::new();
        let mut nodes = tree.nodes(frame);
        while let Some(node) = nodes.next() {
            if wanted(node, families[node as usize]) {
                found.push(node);
                nodes.jump_past(node);
            }
        }
        found
    };
    let named = outermost(tree, &|node, families| {
        families & HIDDEN != 0 || (families & BOILERPLATE != 0 && is_part(tree, node))
    });
    if !named.is_empty() {
        let lengths = Lengths::between(tree, frame, tree.end(frame));
        let all = lengths.total(frame, tree.end(frame));
        let gone: usize = named.iter().map(|&node| lengths.total(node, tree.end(node))).sum();
        if LEFT * (all - gone) > all {
            named.into_iter().for_each(|node| tree.delete(node));
        }
    }
    let unwanted = CAPTION | if recall { 0 } else { TEASER };
    let named = outermost(tree, &|node, families| families & unwanted != 0 && is_part(tree, node));
    named.into_iter().for_each(|node| tree.delete(node));
    Ok(())
}
