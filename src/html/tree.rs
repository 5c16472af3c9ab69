//! The tree: arrays of nodes in document order, and the marks that change what is seen of it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use memchr::memmem;

use super::entities::{self, Place};
use super::lengths::Piece;
use super::names::{self, Name};
use super::tokenizer::Attribute;
use super::{Limits, TooCostly, build};

/// Index of an element or of a run of text, in document order; 0 is the root `html`.
pub type Node = u32;

/// No node, no position.
pub(super) const NONE: u32 = u32::MAX;

/// Text without references: the content of `script` and its like.
pub(super) const RAW: u8 = 1;
/// Text in which something must be decoded.
const CODED: u8 = 2;
const DELETED: u8 = 4;
const UNWRAPPED: u8 = 8;

/// Most names of its own that a page may have; further ones are `names::OTHER`.
const MOST_NAMES: usize = 20_000;

/// The arrays while a page is read.
#[derive(Default)]
pub(super) struct Assembly {
    names: Vec<Name>,
    flags: Vec<u8>,
    parent: Vec<u32>,
    end: Vec<u32>,
    /// First byte of a text, or first attribute of an element.
    start: Vec<u32>,
    /// Bytes or attributes.
    count: Vec<u32>,
    attributes: Vec<Attribute>,
    own_names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, Name>,
}

impl Assembly {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of a name, in lower case, that is not a known one.
    pub(super) fn intern(&mut self, lower: &[u8]) -> Name {
        let Ok(text) = std::str::from_utf8(lower) else { return names::OTHER };
        if let Some(&name) = self.numbers.get(text) {
            return name;
        }
        if self.own_names.len() == MOST_NAMES {
            return names::OTHER;
        }
        let name = Name((names::KNOWN + self.own_names.len()) as u16);
        self.own_names.push(text.into());
        self.numbers.insert(text.into(), name);
        name
    }

    fn push(&mut self, name: Name, flags: u8, parent: Node, start: usize, count: usize) -> Node {
        let node = self.names.len() as Node;
        self.names.push(name);
        self.flags.push(flags);
        self.parent.push(parent);
        self.end.push(node + 1);
        self.start.push(start as u32);
        self.count.push(count as u32);
        node
    }

    pub(super) fn element(&mut self, name: Name, parent: Node) -> Node {
        self.push(name, 0, parent, self.attributes.len(), 0)
    }

    pub(super) fn text(&mut self, start: usize, end: usize, parent: Node, flags: u8) {
        self.push(names::TEXT, flags, parent, start, end - start);
    }

    /// Gives the newest element its attributes.
    pub(super) fn attributes(&mut self, attributes: &[Attribute]) {
        self.attributes.extend_from_slice(attributes);
        if let Some(count) = self.count.last_mut() {
            *count = attributes.len() as u32;
        }
    }

    /// Ends an element behind the newest node.
    pub(super) fn close(&mut self, node: Node) {
        self.end[node as usize] = self.names.len() as u32;
    }
}

/// What all copies of a tree share.
struct Page<'s> {
    source: Cow<'s, str>,
    parent: Vec<u32>,
    end: Vec<u32>,
    start: Vec<u32>,
    count: Vec<u32>,
    attributes: Vec<Attribute>,
    own_names: Vec<Box<str>>,
    pieces: OnceLock<Vec<Piece>>,
}

/// A page as a tree; see [`super`].
///
/// Deleted subtrees and the tags of unwrapped elements are passed over by every function that
/// walks. A copy has marks of its own and shares the rest.
#[derive(Clone)]
pub struct Tree<'s> {
    page: Arc<Page<'s>>,
    names: Vec<Name>,
    flags: Vec<u8>,
}

/// C0 controls other than tab, line feed and carriage return, and the noncharacters U+FFFE and
/// U+FFFF: they mean nothing in a page, and lxml takes no text that has them.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

fn without_controls(source: &str) -> Cow<'_, str> {
    let bytes = source.as_bytes();
    let mut any = bytes.iter().fold(false, |any, &byte| any | is_control(byte));
    // U+FFFE is EF BF BE, U+FFFF EF BF BF.
    any = any
        || memmem::find_iter(bytes, b"\xEF\xBF")
            .any(|at| bytes.get(at + 2).is_some_and(|&b| b >= 0xBE));
    let source = source.strip_prefix('\u{FEFF}').unwrap_or(source);
    if !any {
        return Cow::Borrowed(source);
    }
    let unwanted =
        |c: char| (c.is_ascii() && is_control(c as u8)) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    Cow::Owned(source.chars().filter(|&c| !unwanted(c)).collect())
}

impl<'s> Tree<'s> {
    /// The tree of a page; empty where it has neither element nor text.
    ///
    /// # Errors
    /// [`TooCostly`] for more nodes than `limits` allow, or 4 GiB of source.
    pub fn parse(source: &'s str, limits: &Limits) -> Result<Self, TooCostly> {
        if source.len() >= NONE as usize {
            return Err(TooCostly);
        }
        let source = without_controls(source);
        let mut built = build::build(&source, limits)?;
        for (node, name) in built.names.iter().enumerate() {
            if *name == names::TEXT {
                let start = built.start[node] as usize;
                let bytes = &source.as_bytes()[start..start + built.count[node] as usize];
                if entities::needs_decoding(bytes) {
                    built.flags[node] |= CODED;
                }
            }
        }
        let page = Page {
            source,
            parent: built.parent,
            end: built.end,
            start: built.start,
            count: built.count,
            attributes: built.attributes,
            own_names: built.own_names,
            pieces: OnceLock::new(),
        };
        Ok(Tree { page: Arc::new(page), names: built.names, flags: built.flags })
    }

    /// Nodes, whether marked or not.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the page had nothing in it.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The node's name; `names::TEXT` for text.
    pub fn name(&self, node: Node) -> Name {
        self.names[node as usize]
    }

    /// A name as the page spells it, in lower case.
    pub fn name_of(&self, name: Name) -> &str {
        let own = usize::from(name.0).checked_sub(names::KNOWN);
        name.known().or_else(|| Some(self.page.own_names.get(own?)?)).unwrap_or("")
    }

    /// Whether the node is a run of text.
    pub fn is_text(&self, node: Node) -> bool {
        self.name(node) == names::TEXT
    }

    /// One past the node's last descendant.
    pub fn end(&self, node: Node) -> Node {
        self.page.end[node as usize]
    }

    fn marked(&self, node: Node, mark: u8) -> bool {
        self.flags[node as usize] & mark != 0
    }

    /// Whether this very node was deleted; it is gone as well if an ancestor was.
    pub fn is_deleted(&self, node: Node) -> bool {
        self.marked(node, DELETED)
    }

    /// Whether the element's tags were taken away.
    pub fn is_unwrapped(&self, node: Node) -> bool {
        self.marked(node, UNWRAPPED)
    }

    /// Whether neither the node nor an ancestor was deleted.
    pub fn is_live(&self, node: Node) -> bool {
        let mut at = node;
        while at != NONE {
            if self.marked(at, DELETED) {
                return false;
            }
            at = self.page.parent[at as usize];
        }
        true
    }

    /// Takes the node and all in it away; text behind it stays.
    pub fn delete(&mut self, node: Node) {
        self.flags[node as usize] |= DELETED;
    }

    /// Brings back what [`Self::delete`] of this node took away.
    pub fn restore(&mut self, node: Node) {
        self.flags[node as usize] &= !DELETED;
    }

    /// Takes the tags away; the content stays in their place.
    pub fn unwrap(&mut self, node: Node) {
        self.flags[node as usize] |= UNWRAPPED;
    }

    /// Gives the element another name.
    pub fn rename(&mut self, node: Node, name: Name) {
        self.names[node as usize] = name;
    }

    /// The element around the node, if it is not the root.
    pub fn parent(&self, node: Node) -> Option<Node> {
        self.ancestors(node).next()
    }

    /// The elements around the node, from the inside.
    pub fn ancestors(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        let up = |node: Node| Some(self.page.parent[node as usize]).filter(|&up| up != NONE);
        std::iter::successors(up(node), move |&at| up(at)).filter(|&at| !self.is_unwrapped(at))
    }

    /// Elements and runs of text from `from` to `end`, in document order.
    pub fn nodes_between(&self, from: Node, end: Node) -> Nodes<'_, 's> {
        Nodes { tree: self, at: from, end }
    }

    /// Elements and runs of text inside the node.
    pub fn nodes(&self, node: Node) -> Nodes<'_, 's> {
        self.nodes_between(node + 1, self.end(node))
    }

    /// Elements inside the node.
    pub fn descendants(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        self.nodes(node).filter(|&node| !self.is_text(node))
    }

    /// Elements and runs of text directly inside the node.
    pub fn child_nodes(&self, node: Node) -> Children<'_, 's> {
        Children { tree: self, at: node + 1, end: self.end(node) }
    }

    /// Elements directly inside the node.
    pub fn children(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        self.child_nodes(node).filter(|&node| !self.is_text(node))
    }

    /// Runs of text and elements behind the node, inside its parent.
    pub fn following(&self, node: Node) -> Children<'_, 's> {
        let end = self.parent(node).map_or(self.end(node), |parent| self.end(parent));
        Children { tree: self, at: self.end(node), end }
    }

    /// The next element inside the same parent.
    pub fn next_sibling(&self, node: Node) -> Option<Node> {
        self.following(node).find(|&node| !self.is_text(node))
    }

    /// The element before this one inside the same parent. Walks all before it.
    pub fn previous_sibling(&self, node: Node) -> Option<Node> {
        let parent = self.parent(node)?;
        self.children(parent).take_while(|&sibling| sibling < node).last()
    }

    /// The text of a run, decoded.
    pub fn run(&self, node: Node) -> Cow<'_, str> {
        let start = self.page.start[node as usize] as usize;
        let raw = &self.page.source[start..start + self.page.count[node as usize] as usize];
        if !self.marked(node, CODED) {
            return Cow::Borrowed(raw);
        }
        if self.marked(node, RAW) {
            let mut out = String::with_capacity(raw.len());
            entities::line_ends_into(raw, &mut out);
            return Cow::Owned(out);
        }
        entities::decode(raw, Place::Text)
    }

    /// Appends the text of a run.
    pub fn run_into(&self, node: Node, out: &mut String) {
        out.push_str(&self.run(node));
    }

    /// The runs of text before the first element in the node: lxml's `text`.
    pub fn text_runs(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        self.child_nodes(node).take_while(|&node| self.is_text(node))
    }

    /// The runs of text between the node and the next element: lxml's `tail`.
    pub fn tail_runs(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        self.following(node).take_while(|&node| self.is_text(node))
    }

    /// lxml's `text`.
    pub fn text(&self, node: Node) -> String {
        let mut out = String::new();
        self.text_runs(node).for_each(|run| self.run_into(run, &mut out));
        out
    }

    /// lxml's `tail`.
    pub fn tail(&self, node: Node) -> String {
        let mut out = String::new();
        self.tail_runs(node).for_each(|run| self.run_into(run, &mut out));
        out
    }

    /// Appends all text in the node, or of it.
    pub fn text_content_into(&self, node: Node, out: &mut String) {
        for inner in self.nodes_between(node, self.end(node)) {
            if self.is_text(inner) {
                self.run_into(inner, out);
            }
        }
    }

    /// All text in the node.
    pub fn text_content(&self, node: Node) -> String {
        let mut out = String::new();
        self.text_content_into(node, &mut out);
        out
    }

    /// The value of an attribute, whose name is given in lower case; empty where it has no value.
    pub fn attr(&self, node: Node, name: &str) -> Option<Cow<'_, str>> {
        let found = self.attribute_slice(node).iter().find(|attribute| {
            attribute.name_len as usize == name.len()
                && self.slice(attribute.name, attribute.name_len).eq_ignore_ascii_case(name)
        })?;
        Some(self.value(found))
    }

    /// Names, in lower case, and values in the order of the source; repeated ones too.
    pub fn attributes(&self, node: Node) -> Attributes<'_> {
        let attributes = self.attribute_slice(node).iter().map(|attribute| {
            let name = self.slice(attribute.name, attribute.name_len);
            let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(name.to_ascii_lowercase())
            } else {
                Cow::Borrowed(name)
            };
            (name, self.value(attribute))
        });
        attributes.collect()
    }

    /// The same, each name as the source has it and each value decoded when it is asked for.
    pub fn raw_attributes(&self, node: Node) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.attribute_slice(node).iter().map(|attribute| {
            (self.slice(attribute.name, attribute.name_len), self.value(attribute))
        })
    }

    /// Whether the element has attributes at all.
    pub fn has_attributes(&self, node: Node) -> bool {
        !self.attribute_slice(node).is_empty()
    }

    fn attribute_slice(&self, node: Node) -> &[Attribute] {
        if self.is_text(node) {
            return &[];
        }
        let start = self.page.start[node as usize] as usize;
        &self.page.attributes[start..start + self.page.count[node as usize] as usize]
    }

    fn value(&self, attribute: &Attribute) -> Cow<'_, str> {
        entities::decode(self.slice(attribute.value, attribute.value_len), Place::Attribute)
    }

    fn slice(&self, start: u32, length: u32) -> &str {
        &self.page.source[start as usize..(start + length) as usize]
    }

    pub(super) fn is_raw(&self, node: Node) -> bool {
        self.marked(node, RAW)
    }

    /// Characters of a run of text.
    pub fn run_length(&self, node: Node) -> usize {
        self.pieces()[node as usize].total(|| self.run(node))
    }

    /// Lengths of all runs, measured once for all copies.
    pub(super) fn pieces(&self) -> &[Piece] {
        self.page.pieces.get_or_init(|| Piece::of_all(self))
    }
}

/// Names and values of an element's attributes.
pub type Attributes<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Live nodes in document order.
pub struct Nodes<'t, 's> {
    tree: &'t Tree<'s>,
    at: Node,
    end: Node,
}

impl Nodes<'_, '_> {
    /// Goes on behind `node`, the last one given.
    pub fn jump_past(&mut self, node: Node) {
        self.at = self.at.max(self.tree.end(node));
    }
}

impl Iterator for Nodes<'_, '_> {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        while self.at < self.end {
            let node = self.at;
            let flags = self.tree.flags[node as usize];
            if flags & DELETED != 0 {
                self.at = self.tree.end(node);
                continue;
            }
            self.at = node + 1;
            if flags & UNWRAPPED == 0 {
                return Some(node);
            }
        }
        None
    }
}

/// Live nodes side by side.
pub struct Children<'t, 's> {
    tree: &'t Tree<'s>,
    at: Node,
    end: Node,
}

impl Iterator for Children<'_, '_> {
    type Item = Node;

    fn next(&mut self) -> Option<Node> {
        while self.at < self.end {
            let node = self.at;
            let flags = self.tree.flags[node as usize];
            if flags & (DELETED | UNWRAPPED) == UNWRAPPED {
                self.at = node + 1;
                continue;
            }
            self.at = self.tree.end(node);
            if flags & DELETED == 0 {
                return Some(node);
            }
        }
        None
    }
}
