//! A tree as columns, for whoever compares it with another parser's.

use super::{Node, Tree};

/// The live elements of a tree in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Names, one a line.
    pub names: String,
    /// Elements around each; 0 for the root.
    pub depths: Vec<u32>,
    /// Bounds in `texts`: of each element's text, then of its tail; one more than two an element.
    pub offsets: Vec<i64>,
    /// Texts and tails one after another.
    pub texts: String,
}

impl Tree<'_> {
    /// Names, depths, texts and tails of all live elements.
    pub fn listed(&self) -> Listed {
        let mut listed = Listed { offsets: vec![0], ..Listed::default() };
        // Ends of the elements around.
        let mut around: Vec<Node> = Vec::new();
        for node in self.nodes_between(0, self.len() as Node) {
            if self.is_text(node) {
                continue;
            }
            while around.last().is_some_and(|&end| end <= node) {
                around.pop();
            }
            listed.depths.push(around.len() as u32);
            around.push(self.end(node));
            listed.names.push_str(self.name_of(self.name(node)));
            listed.names.push('\n');
            self.text_runs(node).for_each(|run| self.run_into(run, &mut listed.texts));
            listed.offsets.push(listed.texts.len() as i64);
            self.tail_runs(node).for_each(|run| self.run_into(run, &mut listed.texts));
            listed.offsets.push(listed.texts.len() as i64);
        }
        listed
    }
}
