//! Tables: a row a line, cells parted by tabs.
//!
//! Tables inside cells are left to be taken by themselves; lists in cells are noise more often
//! than not and kept in recall mode only.

use super::block::{Block, Kind, Lines};
use crate::html::{Budget, Name, Node, TooCostly, Tree, names};
use crate::page::plain;

/// The block of a table, whose rows are its children in a cleaned tree; None for one without text.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn table(
    tree: &Tree<'_>,
    node: Node,
    recall: bool,
    used: &mut [bool],
    budget: &mut Budget,
) -> Result<Option<Block>, TooCostly> {
    let mut rows = Rows { tree, recall, used, text: String::new(), length: 0 };
    rows.used[node as usize] = true;
    // Cells without a row, which stand between two.
    let mut orphans: Vec<Node> = Vec::new();
    for child in tree.children(node) {
        budget.spend((tree.end(child) - child) as usize)?;
        match tree.name(child) {
            names::TD | names::TH => {
                orphans.push(child);
                continue;
            }
            names::TR => {
                rows.row(&std::mem::take(&mut orphans));
                let cells = tree.children(child);
                let cells: Vec<Node> = cells
                    .filter(|&cell| matches!(tree.name(cell), names::TD | names::TH))
                    .collect();
                rows.used[child as usize] = true;
                rows.row(&cells);
            }
            names::CAPTION => rows.row(&[child]),
            _ => {}
        }
    }
    rows.row(&orphans);
    Ok(Block::new(Kind::Table, rows.text, rows.length))
}

struct Rows<'a, 's> {
    tree: &'a Tree<'s>,
    recall: bool,
    used: &'a mut [bool],
    text: String,
    length: usize,
}

impl Rows<'_, '_> {
    /// Adds a row, if there is text in it. The only cell of a row keeps its blocks: it is layout.
    fn row(&mut self, cells: &[Node]) {
        let recall = self.recall;
        let left_out = |name: Name| name == names::TABLE || (name == names::LIST && !recall);
        let mut texts = Vec::new();
        for &cell in cells {
            let mut lines = Lines::new(if cells.len() == 1 { "\n" } else { " " });
            let end = self.tree.end(cell);
            let before: Vec<Node> = match recall {
                true => Vec::new(),
                false => lists(self.tree, cell),
            };
            lines.push_nodes(self.tree, cell, end, left_out, self.used);
            // Lists that were left out are used up with the cell.
            for list in before {
                self.used[list as usize..self.tree.end(list) as usize].fill(true);
            }
            if let Some(block) = lines.into_block(Kind::Table) {
                self.length += block.length + 1;
                texts.push(block.text);
            }
        }
        if texts.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        match texts.as_slice() {
            [only] if cells.len() == 1 => self.text.push_str(only),
            _ => plain::push_row(texts.iter().map(String::as_str), &mut self.text),
        }
    }
}

/// The outermost lists in a cell that are not inside a table of its own.
fn lists(tree: &Tree<'_>, cell: Node) -> Vec<Node> {
    let mut found = Vec::new();
    let mut nodes = tree.nodes(cell);
    while let Some(node) = nodes.next() {
        let name = tree.name(node);
        if name == names::LIST {
            found.push(node);
        }
        if matches!(name, names::LIST | names::TABLE) {
            nodes.jump_past(node);
        }
    }
    found
}
