//! Collecting: the elements of a frame to blocks of text.
//!
//! Elements are walked in document order; one that is taken uses up what is inside it. Text that
//! stands loose in other elements is not taken, except behind headings, paragraphs, breaks, lists,
//! tables, quotations and code.

use super::block::{self, Block, Kind, Lines};
use super::families::CODE;
use super::table;
use crate::html::{Budget, Name, Node, TooCostly, Tree, names};

/// What collecting knows of a tree.
pub struct Collector<'a> {
    /// Families of all elements.
    pub families: &'a [u32],
    /// Whether a `div` with text of its own is a paragraph.
    pub divs: bool,
    /// Whether lists in cells of tables are kept.
    pub recall: bool,
    /// Elements that are used up.
    pub used: Vec<bool>,
    /// What was found.
    pub blocks: Vec<Block>,
    /// Elements that were taken as they stand, with the text behind them.
    moved: Vec<Node>,
}

impl<'a> Collector<'a> {
    /// Nothing is used yet.
    pub fn new(tree: &Tree<'_>, families: &'a [u32], recall: bool) -> Self {
        let used = vec![false; tree.len()];
        Collector { families, divs: false, recall, used, blocks: Vec::new(), moved: Vec::new() }
    }

    /// Collects the elements of `frame`, headings at the end left out.
    ///
    /// # Errors
    /// [`TooCostly`] where `budget` does not last.
    pub fn frame(
        &mut self,
        tree: &Tree<'_>,
        frame: Node,
        budget: &mut Budget,
    ) -> Result<(), TooCostly> {
        budget.spend(2 * (tree.end(frame) - frame) as usize)?;
        if self.is_one_block(tree, frame) {
            let found = self.element(tree, frame, budget)?;
            self.blocks.extend(found);
        } else {
            self.loose(tree, tree.text_runs(frame).collect());
            for node in tree.descendants(frame) {
                let found = self.element(tree, node, budget)?;
                self.blocks.extend(found);
            }
        }
        while self.blocks.last().is_some_and(|last| last.kind == Kind::Heading) {
            self.blocks.pop();
        }
        Ok(())
    }

    /// Makes the tree show what was taken out of `frame`, for the next one: elements that were taken
    /// whole are gone, and others that are used up are nothing in particular.
    pub fn settle(&mut self, tree: &mut Tree<'_>, frame: Node) {
        for node in frame..tree.end(frame) {
            if self.used[node as usize] && !tree.is_text(node) {
                tree.rename(node, names::OTHER);
            }
        }
        for node in self.moved.drain(..) {
            let tail: Vec<Node> = tree.tail_runs(node).collect();
            tail.into_iter().for_each(|run| tree.delete(run));
            tree.delete(node);
        }
    }

    /// Whether the frame holds nothing but text and inline elements.
    fn is_one_block(&self, tree: &Tree<'_>, frame: Node) -> bool {
        let is_inline =
            |name: Name| matches!(name, names::LB | names::DEL | names::SPAN | names::REF);
        let (mut any, mut only_breaks, mut only_inline) = (false, true, true);
        for node in tree.descendants(frame) {
            any = true;
            let name = tree.name(node);
            only_breaks &= name == names::LB;
            only_inline &= is_inline(name);
            if !only_inline {
                return false;
            }
        }
        any && (only_breaks || (self.divs && tree.name(frame) == names::DIV))
    }

    /// A paragraph of text that stands by itself.
    fn loose(&mut self, tree: &Tree<'_>, runs: Vec<Node>) {
        let found = text_of(tree, runs, Kind::Paragraph);
        self.blocks.extend(found);
    }

    /// The blocks of one element: none where it is used up or says nothing by itself.
    ///
    /// # Errors
    /// [`TooCostly`] where `budget` does not last.
    pub fn element(
        &mut self,
        tree: &Tree<'_>,
        node: Node,
        budget: &mut Budget,
    ) -> Result<Vec<Block>, TooCostly> {
        if self.used[node as usize] {
            return Ok(Vec::new());
        }
        let end = tree.end(node);
        let tail = || tree.tail_runs(node).collect::<Vec<_>>();
        let mut found = Vec::new();
        match tree.name(node) {
            names::LIST => {
                found.extend(self.list(tree, node));
                found.extend(text_of(tree, tail(), Kind::Paragraph));
            }
            names::QUOTE => {
                let mut lines = Lines::new("\n\n");
                lines.push_nodes(tree, node, end, |_| false, &mut self.used);
                found.extend(lines.into_block(Kind::Quote));
                found.extend(text_of(tree, tail(), Kind::Paragraph));
            }
            name @ (names::CODE | names::PRE) => {
                let kind = if name == names::CODE { Kind::Code } else { Kind::Quote };
                found.extend(block::code(tree, node, kind, &mut self.used));
                found.extend(text_of(tree, tail(), Kind::Paragraph));
            }
            names::TABLE => {
                found.extend(table::table(self, tree, node, budget)?);
                found.extend(text_of(tree, tail(), Kind::Paragraph));
            }
            names::HEADING => found.extend(self.whole(tree, node, Kind::Heading, tail())),
            names::P | names::DEL => {
                found.extend(self.whole(tree, node, Kind::Paragraph, tail()));
            }
            names::LB => {
                self.used[node as usize] = true;
                found.extend(text_of(tree, tail(), Kind::Paragraph));
            }
            names::DIV if self.families[node as usize] & CODE != 0 => {
                found.extend(block::code(tree, node, Kind::Code, &mut self.used));
            }
            names::DIV if self.divs && has_text(tree, tree.text_runs(node)) => {
                let mut lines = Lines::new("\n\n");
                lines.push_nodes(tree, node, end, |_| false, &mut self.used);
                lines.finish();
                tail().into_iter().for_each(|run| lines.push(&tree.run(run)));
                found.extend(lines.into_block(Kind::Paragraph));
                self.moved.push(node);
            }
            _ => {}
        }
        Ok(found)
    }

    /// A heading or paragraph; one without children also brings the text behind it.
    fn whole(&mut self, tree: &Tree<'_>, node: Node, kind: Kind, tail: Vec<Node>) -> Option<Block> {
        let leaf = tree.children(node).next().is_none();
        let mut lines = Lines::new("\n\n");
        lines.push_nodes(tree, node, tree.end(node), |_| false, &mut self.used);
        if leaf || tree.name(node) == names::DEL {
            lines.push(" ");
            tail.into_iter().for_each(|run| lines.push(&tree.run(run)));
        }
        let found = lines.into_block(kind)?;
        if leaf && block::is_share_word(&found.text) {
            return None;
        }
        if leaf {
            self.moved.push(node);
        }
        Some(found)
    }

    /// Leading text and items, a line each.
    fn list(&mut self, tree: &Tree<'_>, list: Node) -> Option<Block> {
        let mut lines = Lines::new("\n");
        self.used[list as usize] = true;
        tree.text_runs(list).for_each(|run| lines.push(&tree.run(run)));
        lines.finish();
        for node in tree.descendants(list) {
            if self.used[node as usize] || tree.name(node) != names::ITEM {
                continue;
            }
            if tree.children(node).next().is_none() {
                let mut item = String::new();
                tree.text_content_into(node, &mut item);
                tree.tail_runs(node).for_each(|run| {
                    item.push(' ');
                    tree.run_into(run, &mut item);
                });
                self.used[node as usize] = true;
                if !block::is_share_word(&item) {
                    lines.push(&item);
                }
            } else {
                lines.push_nodes(tree, node, tree.end(node), |_| false, &mut self.used);
                tree.tail_runs(node).for_each(|run| {
                    lines.push(" ");
                    lines.push(&tree.run(run));
                });
            }
            lines.finish();
        }
        lines.into_block(Kind::List)
    }
}

fn has_text(tree: &Tree<'_>, mut runs: impl Iterator<Item = Node>) -> bool {
    runs.any(|run| !tree.run(run).trim().is_empty())
}

/// A block of runs of text; none where they are blank or a word for sharing.
fn text_of(tree: &Tree<'_>, runs: Vec<Node>, kind: Kind) -> Option<Block> {
    let mut lines = Lines::new("\n");
    runs.into_iter().for_each(|run| lines.push(&tree.run(run)));
    let found = lines.into_block(kind)?;
    (!block::is_share_word(&found.text)).then_some(found)
}
