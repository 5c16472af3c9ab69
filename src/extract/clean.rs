//! Cleaning: elements that never hold main text go, tags that say nothing vanish around theirs.

use crate::html::{Budget, Lengths, Name, Node, TooCostly, Tree, names};

/// Tags that vanish, their content staying.
fn is_unwrapped(name: Name) -> bool {
    use names::*;
    matches!(
        name,
        ABBR | ACRONYM
            | ADDRESS
            | BDI
            | BDO
            | BIG
            | CITE
            | DATA
            | DFN
            | FONT
            | HGROUP
            | IMG
            | INS
            | MARK
            | META
            | NOBR
            | RUBY
            | SMALL
            | TBODY
            | TEMPLATE
            | TFOOT
            | THEAD
            | WBR
    )
}

/// Elements that go with all that is in them.
fn is_deleted(name: Name) -> bool {
    use names::*;
    matches!(
        name,
        EMBED
            | FENCEDFRAME
            | FOOTER
            | HEAD
            | IFRAME
            | MENU
            | OBJECT
            | SCRIPT
            | APPLET
            | AUDIO
            | CANVAS
            | FIGURE
            | MAP
            | PICTURE
            | SVG
            | VIDEO
            | AREA
            | BLINK
            | BUTTON
            | DATALIST
            | DIALOG
            | FRAME
            | FRAMESET
            | FIELDSET
            | LINK
            | INPUT
            | LABEL
            | LEGEND
            | MARQUEE
            | MATH
            | MENUITEM
            | NAV
            | NOINDEX
            | NOSCRIPT
            | OPTGROUP
            | OPTION
            | OUTPUT
            | PARAM
            | PROGRESS
            | RP
            | RT
            | RTC
            | SELECT
            | SOURCE
            | STYLE
            | TRACK
            | TEXTAREA
            | TIME
            | USE
    )
}

/// Elements that go if nothing is in them.
fn goes_if_empty(name: Name) -> bool {
    use names::*;
    matches!(
        name,
        ARTICLE
            | B
            | BLOCKQUOTE
            | DD
            | DIV
            | DT
            | EM
            | H1
            | H2
            | H3
            | H4
            | H5
            | H6
            | I
            | LI
            | MAIN
            | P
            | PRE
            | Q
            | SECTION
            | SPAN
            | STRONG
    )
}

/// Cleans a copy of the raw tree. With `recall`, nothing is deleted where that would be the end of
/// all paragraphs.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn clean(tree: &mut Tree<'_>, recall: bool, budget: &mut Budget) -> Result<(), TooCostly> {
    budget.spend(3 * tree.len())?;
    let had_paragraph = recall && has_paragraph(tree);
    let deleted = tags(tree);
    if had_paragraph && !has_paragraph(tree) {
        deleted.into_iter().for_each(|node| tree.restore(node));
    }
    outer(tree, budget)?;
    empties(tree);
    Ok(())
}

fn has_paragraph(tree: &Tree<'_>) -> bool {
    tree.nodes_between(0, tree.len() as Node).any(|node| tree.name(node) == names::P)
}

/// Unwraps and deletes; what was deleted.
fn tags(tree: &mut Tree<'_>) -> Vec<Node> {
    let tables: Vec<Node> =
        (0..tree.len() as Node).filter(|&node| tree.name(node) == names::TABLE).collect();
    let holds_table = |end: Node, node: Node| {
        tables.get(tables.partition_point(|&table| table < node)).is_some_and(|&table| table < end)
    };
    let mut deleted = Vec::new();
    let mut node = 0;
    while node < tree.len() as Node {
        let end = tree.end(node);
        if tree.is_deleted(node) {
            node = end;
            continue;
        }
        let name = tree.name(node);
        if name == names::MATH && keep_formula(tree, node) {
            node = end;
            continue;
        }
        if name == names::FIGURE && holds_table(end, node)
            || name == names::TABLE && is_layout(tree, node)
        {
            tree.rename(node, names::DIV);
        } else if is_unwrapped(name) {
            tree.unwrap(node);
        } else if is_deleted(name) {
            tree.delete(node);
            deleted.push(node);
            node = end;
            continue;
        }
        node += 1;
    }
    deleted
}

fn is_layout(tree: &Tree<'_>, table: Node) -> bool {
    tree.attr(table, "role").is_some_and(|role| matches!(&*role, "presentation" | "none"))
}

/// Of a formula, leaves its source as text; whether it has one.
fn keep_formula(tree: &mut Tree<'_>, math: Node) -> bool {
    let tex = tree.descendants(math).find(|&node| {
        tree.name(node) == names::ANNOTATION
            && tree.attr(node, "encoding").is_some_and(|kind| kind == "application/x-tex")
    });
    let Some(tex) = tex else { return false };
    let (from, end) = (tex, tree.end(tex));
    for node in math..tree.end(math) {
        if !tree.is_text(node) {
            tree.unwrap(node);
        } else if !(from..end).contains(&node) {
            tree.delete(node);
        }
    }
    true
}

/// A form with more than half of the page's text, or an aside with four fifths of it (a long sidebar
/// beside a short text has less), is its frame; other forms are input, other asides something else.
fn outer(tree: &mut Tree<'_>, budget: &mut Budget) -> Result<(), TooCostly> {
    let nodes = tree.nodes_between(0, tree.len() as Node);
    let is_outer = |node: Node| matches!(tree.name(node), names::FORM | names::ASIDE);
    let found: Vec<Node> = nodes.filter(|&node| is_outer(node)).collect();
    if found.is_empty() {
        return Ok(());
    }
    budget.spend(tree.len())?;
    let lengths = Lengths::of(tree);
    let all = lengths.total(0, tree.len() as Node);
    let mut gone = 0;
    for node in found {
        if node < gone {
            continue;
        }
        let length = lengths.total(node, tree.end(node));
        let is_frame =
            if tree.name(node) == names::FORM { 2 * length > all } else { 5 * length > 4 * all };
        if is_frame {
            tree.rename(node, names::DIV);
        } else {
            tree.delete(node);
            gone = tree.end(node);
        }
    }
    Ok(())
}

/// Elements that are empty now; what becomes empty by that stays.
fn empties(tree: &mut Tree<'_>) {
    let nodes = tree.nodes_between(0, tree.len() as Node);
    let empty: Vec<Node> = nodes
        .filter(|&node| goes_if_empty(tree.name(node)) && tree.child_nodes(node).next().is_none())
        .collect();
    empty.into_iter().for_each(|node| tree.delete(node));
}
