//! All text of a part of a page, as paragraphs that begin and end where the page's blocks do.
//!
//! For steps that take text as it comes. Items of one list and rows of one table make one
//! paragraph of lines, cells are parted by tabs, lines of `pre` and breaks are kept.

use super::block::{Block, Kind};
use crate::html::{Name, Node, Tree, names};
use crate::page::plain;

/// Stands behind a cell until its row is complete; a page's text has no such character.
const CELL: char = '\0';

/// A block that is open at the place the walk has reached, and what holds inside it.
#[derive(Clone, Copy)]
struct Open {
    end: Node,
    name: Name,
    /// The outermost list or table around the text in it, and what it makes of that.
    group: Option<Node>,
    kind: Kind,
    /// Whether the innermost row has several cells.
    several: bool,
    /// Whether the innermost cell is one of several: it then stays on one line.
    in_cell: bool,
}

/// Paragraphs as they grow.
#[derive(Default)]
struct Paragraphs {
    done: Vec<Block>,
    growing: String,
    /// The list or table that the last finished paragraph stands in.
    last_group: Option<Node>,
}

impl Paragraphs {
    /// Ends the paragraph, which stands in `around`.
    fn finish(&mut self, around: &Open) {
        let mut text = String::new();
        match self.growing.contains(CELL) {
            true => plain::push_row(self.growing.split(CELL), &mut text),
            false => plain::push_paragraph(&self.growing, &mut text),
        }
        self.growing.clear();
        self.add(around.kind, text, around.group);
    }

    /// Adds a paragraph, or a line to the list or table that the last one stands in.
    fn add(&mut self, kind: Kind, text: String, group: Option<Node>) {
        let Some(block) = Block::new(kind, text) else { return };
        match self.done.last_mut() {
            Some(last) if group.is_some() && group == self.last_group => {
                last.text.push('\n');
                last.text.push_str(&block.text);
                last.length += 1 + block.length;
            }
            _ => self.done.push(block),
        }
        self.last_group = group;
    }
}

/// The paragraphs of the live text in `from..end`; scripts and styles have none.
pub fn paragraphs(tree: &Tree<'_>, from: Node, end: Node) -> Vec<Block> {
    let mut found = Paragraphs::default();
    let around = Open {
        end,
        name: names::OTHER,
        group: None,
        kind: Kind::Paragraph,
        several: false,
        in_cell: false,
    };
    let mut open: Vec<Open> = Vec::new();
    let mut nodes = tree.nodes_between(from, end);
    while let Some(node) = nodes.next() {
        close(&mut open, node, &mut found);
        let inside = *open.last().unwrap_or(&around);
        let name = tree.name(node);
        match name {
            names::TEXT => {
                let run = tree.run(node);
                found.growing.extend(run.chars().map(|c| if c == '\n' { ' ' } else { c }));
            }
            names::SCRIPT | names::STYLE => nodes.jump_past(node),
            names::BR => found.growing.push('\n'),
            names::PRE if !inside.in_cell => {
                found.finish(&inside);
                let mut text = String::new();
                plain::push_code(&tree.text_content(node), &mut text);
                found.add(Kind::Code, text, inside.group);
                nodes.jump_past(node);
            }
            _ if names::is_block(name) => {
                let mut block = Open { end: tree.end(node), name, ..inside };
                match name {
                    names::UL | names::OL | names::DL | names::TABLE if inside.group.is_none() => {
                        block.group = Some(node);
                        let is_table = name == names::TABLE;
                        block.kind = if is_table { Kind::Table } else { Kind::List };
                    }
                    names::TR => block.several = tree.children(node).nth(1).is_some(),
                    names::TD | names::TH => block.in_cell = block.several,
                    _ => {}
                }
                if breaks(&block) {
                    found.finish(&inside);
                } else {
                    found.growing.push(' ');
                }
                open.push(block);
            }
            _ => {}
        }
    }
    close(&mut open, end, &mut found);
    found.finish(&around);
    found.done
}

/// Closes what ends at or before `node`.
fn close(open: &mut Vec<Open>, node: Node, found: &mut Paragraphs) {
    while let Some(block) = open.pop_if(|block| block.end <= node) {
        if breaks(&block) {
            found.finish(&block);
        } else if matches!(block.name, names::TD | names::TH) {
            found.growing.push(CELL);
        } else {
            found.growing.push(' ');
        }
    }
}

/// Whether a paragraph begins and ends with the block.
fn breaks(block: &Open) -> bool {
    !block.in_cell || matches!(block.name, names::TR | names::TABLE)
}
