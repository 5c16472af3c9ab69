//! Blocks of main text, and how an element's content becomes lines of one.

use crate::html::{Name, Node, Tree, names};
use crate::page::plain;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A paragraph.
    Paragraph,
    /// A heading.
    Heading,
    /// A list, an item a line.
    List,
    /// A table, a row a line, cells parted by tabs.
    Table,
    /// A quotation.
    Quote,
    /// Code, its lines as they are.
    Code,
}

/// One block of main text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// Its text, not yet NFC; never empty. May hold several paragraphs, parted by empty lines.
    pub text: String,
    /// Its characters; what parts lines and paragraphs counts as one.
    pub length: usize,
}

impl Block {
    /// A block of text that needs no tidying; None where it has nothing but white space.
    pub fn new(kind: Kind, text: String) -> Option<Block> {
        if text.trim().is_empty() {
            return None;
        }
        let length = text.chars().count() - text.matches("\n\n").count();
        Some(Block { kind, text, length })
    }

    /// A paragraph from text with `\n` where the page breaks the line.
    pub fn paragraph(raw: &str) -> Option<Block> {
        let mut text = String::with_capacity(raw.len());
        plain::push_paragraph(raw, &mut text);
        Block::new(Kind::Paragraph, text)
    }
}

/// Characters of blocks set after one another.
pub fn length(blocks: &[Block]) -> usize {
    blocks.iter().map(|block| block.length + 1).sum::<usize>().saturating_sub(1)
}

/// The plain text of blocks: NFC, an empty line between two.
pub fn joined(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&block.text);
    }
    plain::to_nfc(out)
}

/// Buttons of themes that share a page.
const SHARE: [&str; 20] = [
    "drucken",
    "e-mail",
    "email",
    "facebook",
    "flipboard",
    "google",
    "instagram",
    "linkedin",
    "mail",
    "mehr zum thema",
    "mehr zum thema:",
    "pdf",
    "pinterest",
    "pocket",
    "print",
    "qq",
    "reddit",
    "twitter",
    "wechat",
    "weibo",
];

/// Whether a line is nothing but such a button's word.
pub fn is_share_word(line: &str) -> bool {
    let word = line.trim().trim_start_matches(|c: char| !(c.is_alphanumeric() || c == '_'));
    if word.len() > 60 {
        return false;
    }
    let lower = word.to_lowercase();
    SHARE.contains(&lower.as_str())
        || matches!(lower.as_str(), "whatsapp" | "xing")
        || lower.strip_prefix("more on this").is_some_and(|rest| rest.chars().count() <= 8)
}

/// Whether an element of a converted tree begins and ends a line of its own.
fn is_block(name: Name) -> bool {
    use names::*;
    matches!(
        name,
        P | DIV
            | HEADING
            | LIST
            | ITEM
            | LI
            | DD
            | DT
            | QUOTE
            | TABLE
            | TR
            | TD
            | TH
            | CAPTION
            | ARTICLE
            | SECTION
            | MAIN
            | HEADER
            | CENTER
            | FIGCAPTION
    )
}

/// Collects runs of text, and tidies them a line at a time.
pub struct Lines {
    /// The line as it grows; line ends of the source are blanks in it.
    open: String,
    /// The list or table that it stands in.
    group: Option<Node>,
    text: String,
    last_group: Option<Node>,
    /// What parts two blocks that are not in one list.
    between: &'static str,
}

impl Lines {
    /// Blocks inside will be parted by `between`.
    pub fn new(between: &'static str) -> Self {
        Lines { open: String::new(), group: None, text: String::new(), last_group: None, between }
    }

    /// Adds a run of text.
    pub fn push(&mut self, run: &str) {
        let mut lines = run.split('\n');
        self.open.push_str(lines.next().unwrap_or(""));
        for line in lines {
            self.open.push(' ');
            self.open.push_str(line);
        }
    }

    /// Adds a line break.
    pub fn break_line(&mut self) {
        self.open.push('\n');
    }

    /// Ends the block.
    pub fn finish(&mut self) {
        let before = self.text.len();
        if before > 0 {
            let same = self.group.is_some() && self.group == self.last_group;
            self.text.push_str(if same { "\n" } else { self.between });
        }
        let start = self.text.len();
        plain::push_paragraph(&self.open, &mut self.text);
        if self.text.len() == start {
            self.text.truncate(before);
        } else {
            self.last_group = self.group;
        }
        self.open.clear();
    }

    /// Adds all text of `from..end`, blocks inside on lines of their own; passes over elements
    /// that `skip` names and tells `seen` of each element taken.
    pub fn push_nodes(
        &mut self,
        tree: &Tree<'_>,
        from: Node,
        end: Node,
        skip: impl Fn(Name) -> bool,
        seen: &mut [bool],
    ) {
        let mut open: Vec<Node> = Vec::new();
        let mut group_end = 0;
        let mut nodes = tree.nodes_between(from, end);
        while let Some(node) = nodes.next() {
            while open.pop_if(|end| *end <= node).is_some() {
                self.finish();
            }
            if node >= group_end {
                self.group = None;
            }
            let name = tree.name(node);
            if name == names::TEXT {
                self.push(&tree.run(node));
                continue;
            }
            if seen[node as usize] || skip(name) {
                nodes.jump_past(node);
                continue;
            }
            seen[node as usize] = true;
            if name == names::LB {
                self.break_line();
            } else if name == names::PRE || (name == names::CODE && has_lines(tree, node)) {
                self.finish();
                self.push_lines(tree, node, seen);
                nodes.jump_past(node);
            } else if is_block(name) {
                self.finish();
                open.push(tree.end(node));
                if self.group.is_none() && matches!(name, names::LIST | names::TABLE) {
                    self.group = Some(node);
                    group_end = tree.end(node);
                }
            }
        }
        if !open.is_empty() {
            self.finish();
        }
    }

    /// Adds a block whose lines are kept.
    fn push_lines(&mut self, tree: &Tree<'_>, node: Node, seen: &mut [bool]) {
        let Some(block) = code(tree, node, Kind::Code, seen) else { return };
        if !self.text.is_empty() {
            let same = self.group.is_some() && self.group == self.last_group;
            self.text.push_str(if same { "\n" } else { self.between });
        }
        self.text.push_str(&block.text);
        self.last_group = self.group;
    }

    /// The block; None where it has no text.
    pub fn into_block(mut self, kind: Kind) -> Option<Block> {
        self.finish();
        Block::new(kind, self.text)
    }
}

/// Whether code is a block of lines rather than a word in a sentence.
fn has_lines(tree: &Tree<'_>, code: Node) -> bool {
    tree.nodes(code).any(|node| match tree.name(node) {
        names::TEXT => tree.run(node).contains('\n'),
        name => name == names::LB,
    })
}

/// The text of a block of code or of a `pre`, its lines kept.
pub fn code(tree: &Tree<'_>, node: Node, kind: Kind, seen: &mut [bool]) -> Option<Block> {
    let mut raw = String::new();
    for inner in tree.nodes_between(node, tree.end(node)) {
        match tree.name(inner) {
            names::TEXT => tree.run_into(inner, &mut raw),
            names::LB => raw.push('\n'),
            _ => {}
        }
        seen[inner as usize] = true;
    }
    let mut text = String::new();
    plain::push_code(&raw, &mut text);
    Block::new(kind, text)
}
