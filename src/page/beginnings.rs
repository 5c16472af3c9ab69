//! How the text of elements begins, at a bounded price.
//!
//! On a hostile page thousands of elements share one text of megabytes: each run is decoded once,
//! and only its beginning is kept.

use crate::html::{Node, Tree};
use std::collections::HashMap;

/// What is kept of a run, in bytes (our choice: more than the longest title has).
const MAX_BYTES: usize = 4096;

/// So many nodes of an element are looked at for its beginning (our choice).
const MAX_NODES: usize = 4096;

/// Beginnings of runs of text, each decoded once.
#[derive(Default)]
pub(super) struct Beginnings(HashMap<Node, Box<str>>);

impl Beginnings {
    /// Appends the beginning of a run of text.
    fn push(&mut self, tree: &Tree<'_>, run: Node, out: &mut String) {
        let first = |run| Box::from(first_bytes(&tree.run(run)));
        out.push_str(self.0.entry(run).or_insert_with(|| first(run)));
    }

    /// The beginning of all text in `element`, with a blank where one of the elements inside that
    /// `parts` names begins or ends; ends after `enough` characters that are no white space, or
    /// after a few thousand bytes of whatever it is.
    pub(super) fn of(
        &mut self,
        tree: &Tree<'_>,
        element: Node,
        enough: usize,
        parts: impl Fn(Node) -> bool,
    ) -> String {
        let mut out = String::new();
        let mut ends: Vec<Node> = Vec::new();
        let mut inked = 0;
        for node in tree.nodes(element).take(MAX_NODES) {
            while ends.pop_if(|end| *end <= node).is_some() {
                out.push(' ');
            }
            if tree.is_text(node) {
                let before = out.len();
                self.push(tree, node, &mut out);
                inked += out[before..].chars().filter(|c| !c.is_whitespace()).count();
                if inked > enough || out.len() > MAX_BYTES {
                    break;
                }
            } else if parts(node) {
                out.push(' ');
                ends.push(tree.end(node));
            }
        }
        out
    }
}

/// `text` up to what is ever looked at.
pub(super) fn first_bytes(text: &str) -> &str {
    let end = (0..=MAX_BYTES.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}
