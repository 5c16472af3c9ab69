//! Conversion: the elements of HTML to the few that the rules speak of.
//!
//! Links in blocks become `ref`, lists `list` and `item`, headings [`names::HEADING`], breaks `lb`,
//! quotations `quote`, struck text `del`; tags of emphasis vanish. A `pre` that holds no program stays
//! what it is: a quotation whose lines count.

use crate::html::{Budget, Node, TooCostly, Tree, names};

/// Converts a cleaned tree.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn convert(tree: &mut Tree<'_>, budget: &mut Budget) -> Result<(), TooCostly> {
    budget.spend(2 * tree.len())?;
    links(tree);
    // Ends of the outermost list around a node, and of the innermost code.
    let mut list_end = 0;
    let nodes: Vec<Node> =
        tree.nodes_between(0, tree.len() as Node).filter(|&node| !tree.is_text(node)).collect();
    for node in nodes {
        use names::*;
        let name = match tree.name(node) {
            EM | I | B | U | KBD | SAMP | TT | VAR | SUB | SUP => {
                tree.unwrap(node);
                continue;
            }
            STRONG => {
                if tree
                    .attr(node, "class")
                    .is_some_and(|class| class.contains("schema-faq-question"))
                {
                    HEADING
                } else {
                    tree.unwrap(node);
                    continue;
                }
            }
            DL | OL | UL => {
                list_end = list_end.max(tree.end(node));
                LIST
            }
            DD | DT | LI if node < list_end => ITEM,
            H1 | H2 | H3 | H4 | H5 | H6 | SUMMARY => HEADING,
            BR | HR => LB,
            BLOCKQUOTE | Q => QUOTE,
            PRE if is_code(tree, node) => CODE,
            DEL | S | STRIKE => DEL,
            DETAILS => DIV,
            _ => continue,
        };
        tree.rename(node, name);
    }
    Ok(())
}

/// Links in blocks are weighed later; elsewhere their tags say nothing.
fn links(tree: &mut Tree<'_>) {
    let nodes = tree.nodes_between(0, tree.len() as Node);
    let links: Vec<Node> = nodes.filter(|&node| tree.name(node) == names::A).collect();
    for link in links {
        let is_block = |&node: &Node| {
            matches!(tree.name(node), names::DIV | names::LI | names::P | names::TABLE)
        };
        if tree.ancestors(link).any(|node| is_block(&node)) {
            tree.rename(link, names::REF);
        } else {
            tree.unwrap(link);
        }
    }
}

/// Whether a `pre` holds a program rather than a poem.
fn is_code(tree: &Tree<'_>, pre: Node) -> bool {
    let mut children = tree.children(pre);
    let only_child = children.next().filter(|_| children.next().is_none());
    if only_child.is_some_and(|child| tree.name(child) == names::SPAN) {
        return true;
    }
    let highlighted = |node: Node| {
        tree.name(node) == names::SPAN
            && tree.attr(node, "class").is_some_and(|class| class.starts_with("hljs"))
    };
    if tree.descendants(pre).any(highlighted) {
        return true;
    }
    let text = tree.text(pre);
    ["{", "(\"", "('", "\n    "].iter().any(|mark| text.contains(mark))
}
