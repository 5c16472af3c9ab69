//! The frame of the main text: the first element that one of five expressions names.

use super::families::{BODY, MAIN, MAIN_CONTENT, STORY};
use crate::html::{Node, Tree, names};

/// How many expressions there are.
pub const EXPRESSIONS: usize = 5;

/// The first element in document order that expression `number` names.
pub fn find(tree: &Tree<'_>, families: &[u32], number: usize) -> Option<Node> {
    let is_section = |node: Node| {
        matches!(tree.name(node), names::ARTICLE | names::DIV | names::MAIN | names::SECTION)
    };
    let has = |node: Node, family: u32| families[node as usize] & family != 0;
    tree.nodes_between(0, tree.len() as Node).find(|&node| match number {
        0 => has(node, BODY) && is_section(node),
        1 => tree.name(node) == names::ARTICLE,
        2 => has(node, STORY) && is_section(node),
        3 => has(node, MAIN_CONTENT) && is_section(node),
        _ => tree.name(node) == names::MAIN || (has(node, MAIN) && is_section(node)),
    })
}
