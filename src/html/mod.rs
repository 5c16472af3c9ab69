//! HTML to a tree in flat arrays: the tree that libxml2 2.14 makes of a page.
//!
//! A tree is a list of nodes in document order, elements and runs of text, each with its parent and
//! the end of its subtree. So a subtree is a range; deleting is one mark, a copy of a tree copies
//! names and marks only, and lengths of text are differences of prefix sums ([`Lengths`]). Text and
//! attributes stay ranges of the source until somebody asks for them.
//!
//! [`Tree`] speaks of text as lxml does: the text of an element is what stands before its first
//! child, its tail what stands between its end and the next element. No function recurses, and
//! building a tree takes time in proportion to the source whatever it holds; [`Limits`] bound
//! memory. Depth beyond the limit is flattened: such elements are leaves, their content follows.

mod build;
pub(crate) mod entities;
mod lengths;
mod listed;
pub mod names;
mod tokenizer;
mod tree;

pub use lengths::Lengths;
pub use listed::Listed;
pub use names::Name;
pub use tree::{Attributes, Node, Tree};

/// What a page may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Elements and runs of text; a page with more is [`TooCostly`].
    pub nodes: usize,
    /// Elements inside each other, `html` included; deeper ones become leaves.
    pub depth: usize,
    /// Attributes of one element; those beyond are ignored.
    pub attributes: usize,
}

impl Default for Limits {
    /// Our choice: forty times the nodes of the largest of 3,500 labelled pages; the depth at
    /// which libxml2 stops reading.
    fn default() -> Self {
        Limits { nodes: 1_000_000, depth: 256, attributes: 256 }
    }
}

/// A page that needs more work or memory than is allowed, on every machine alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooCostly;

impl std::fmt::Display for TooCostly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the page needs more work than is allowed")
    }
}

impl std::error::Error for TooCostly {}

/// Work that may still be done on a page: nodes visited and bytes scanned, about a nanosecond each.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    left: u64,
}

impl Budget {
    /// A budget of `units`.
    pub fn new(units: u64) -> Self {
        Budget { left: units }
    }

    /// Takes `units` of it.
    ///
    /// # Errors
    /// [`TooCostly`] where fewer are left.
    pub fn spend(&mut self, units: usize) -> Result<(), TooCostly> {
        self.left = self.left.checked_sub(units as u64).ok_or(TooCostly)?;
        Ok(())
    }

    /// What is left.
    pub fn left(&self) -> u64 {
        self.left
    }
}
