//! Tables: a row a line, cells parted by tabs.
//!
//! A cell is collected like a frame. Tables inside cells are left to be taken by themselves; lists
//! in cells are noise more often than not and kept in recall mode only.

use super::block::{Block, Kind, Lines};
use super::collect::Collector;
use crate::html::{Budget, Node, TooCostly, Tree, names};
use crate::page::plain;

/// The block of a table, whose rows are its children in a cleaned tree; None for one without text.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn table(
    collector: &mut Collector<'_>,
    tree: &Tree<'_>,
    node: Node,
    budget: &mut Budget,
) -> Result<Option<Block>, TooCostly> {
    let divs = std::mem::replace(&mut collector.divs, true);
    collector.used[node as usize] = true;
    let mut rows = Rows { collector, tree, text: String::new() };
    // Cells without a row, which stand between two.
    let mut orphans: Vec<Node> = Vec::new();
    for child in tree.children(node) {
        budget.spend((tree.end(child) - child) as usize)?;
        match tree.name(child) {
            names::TD | names::TH => orphans.push(child),
            names::TR => {
                rows.row(&std::mem::take(&mut orphans), budget)?;
                let cells = tree.children(child);
                let cells: Vec<Node> = cells
                    .filter(|&cell| matches!(tree.name(cell), names::TD | names::TH))
                    .collect();
                rows.collector.used[child as usize] = true;
                rows.row(&cells, budget)?;
            }
            names::CAPTION => rows.caption(child),
            _ => {}
        }
    }
    rows.row(&orphans, budget)?;
    let text = rows.text;
    collector.divs = divs;
    Ok(Block::new(Kind::Table, text))
}

struct Rows<'a, 'b, 's> {
    collector: &'a mut Collector<'b>,
    tree: &'a Tree<'s>,
    text: String,
}

impl Rows<'_, '_, '_> {
    fn line(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn caption(&mut self, node: Node) {
        let mut lines = Lines::new(" ");
        lines.push_nodes(self.tree, node, self.tree.end(node), |_| false, &mut self.collector.used);
        if let Some(block) = lines.into_block(Kind::Table) {
            self.line();
            plain::push_row([block.text.as_str()], &mut self.text);
        }
    }

    /// Adds a row, if there is text in it.
    fn row(&mut self, cells: &[Node], budget: &mut Budget) -> Result<(), TooCostly> {
        let mut texts = Vec::new();
        for &cell in cells {
            self.collector.used[cell as usize] = true;
            texts.push(self.cell(cell, budget)?);
        }
        if texts.iter().all(Vec::is_empty) {
            return Ok(());
        }
        self.line();
        // The only cell of a row is layout, and code keeps its lines wherever it is.
        let has_code = texts.iter().flatten().any(|block| {
            matches!(block.kind, Kind::Code | Kind::Quote) && block.text.contains('\n')
        });
        if cells.len() == 1 || has_code {
            let lines: Vec<&str> =
                texts.iter().flatten().map(|block| block.text.as_str()).collect();
            self.text.push_str(&lines.join("\n"));
            return Ok(());
        }
        let texts: Vec<String> = texts
            .into_iter()
            .map(|cell| cell.into_iter().map(|block| block.text).collect::<Vec<_>>().join(" "))
            .collect();
        plain::push_row(texts.iter().map(String::as_str), &mut self.text);
        Ok(())
    }

    /// The blocks of a cell.
    fn cell(&mut self, cell: Node, budget: &mut Budget) -> Result<Vec<Block>, TooCostly> {
        let tree = self.tree;
        let mut found = Vec::new();
        let mut lines = Lines::new("\n");
        tree.text_runs(cell).for_each(|run| lines.push(&tree.run(run)));
        found.extend(lines.into_block(Kind::Table));
        let mut nodes = tree.nodes(cell);
        while let Some(node) = nodes.next() {
            let name = tree.name(node);
            if name == names::TEXT || self.collector.used[node as usize] {
                continue;
            }
            let inner_table = name == names::TABLE;
            if inner_table || (name == names::LIST && !self.collector.recall) {
                if !inner_table {
                    let list = node as usize..tree.end(node) as usize;
                    self.collector.used[list].fill(true);
                }
                let mut lines = Lines::new("\n");
                tree.tail_runs(node).for_each(|run| lines.push(&tree.run(run)));
                found.extend(lines.into_block(Kind::Table));
                nodes.jump_past(node);
                continue;
            }
            found.extend(self.collector.element(tree, node, budget)?);
            self.collector.used[node as usize] = true;
        }
        Ok(found)
    }
}
