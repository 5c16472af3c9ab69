//! Lengths of text by subtraction: prefix sums over the runs that are left in a tree.

use std::borrow::Cow;

use super::tree::{Node, Tree};

/// What the lengths of a run of text are made from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Piece {
    /// All characters.
    total: u32,
    /// Characters that are no white space.
    inked: u32,
    /// Words: runs of such characters.
    words: u32,
    /// Whether the first and the last character are no white space.
    inked_first: bool,
    inked_last: bool,
    /// Whether this was measured: the content of scripts is only where somebody asks.
    measured: bool,
}

impl Piece {
    /// The pieces of all nodes; an element's is empty.
    pub(super) fn of_all(tree: &Tree<'_>) -> Vec<Piece> {
        let measure = |node| match tree.is_text(node) && !tree.is_raw(node) {
            true => Piece::of(&tree.run(node)),
            false => Piece::default(),
        };
        (0..tree.len() as Node).map(measure).collect()
    }

    /// All characters; `text` gives the text where it was not measured.
    pub(super) fn total<'a>(&self, text: impl FnOnce() -> Cow<'a, str>) -> usize {
        if self.measured { self.total as usize } else { text().chars().count() }
    }

    fn of(text: &str) -> Piece {
        let mut piece = Piece { measured: true, ..Piece::default() };
        let mut inside = false;
        let mut first = true;
        let mut count = |inked: bool| {
            piece.total += 1;
            piece.inked += u32::from(inked);
            piece.words += u32::from(inked && !inside);
            piece.inked_first |= first && inked;
            first = false;
            inside = inked;
        };
        if text.is_ascii() {
            text.bytes()
                .for_each(|byte| count(!matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f)));
        } else {
            text.chars().for_each(|c| count(!(c.is_whitespace() || matches!(c, '\x1c'..='\x1f'))));
        }
        piece.inked_last = inside;
        piece
    }
}

/// Lengths of the text in any range of nodes, in characters, as a tree stood when this was made.
///
/// White space is Unicode's, as in Python's `str.split`. Takes one pass over the nodes; an answer
/// takes constant time.
pub struct Lengths {
    /// The first node measured; indices below count from here.
    from: Node,
    /// Sums before each node; one more than there are nodes.
    total: Vec<u32>,
    inked: Vec<u32>,
    words: Vec<u32>,
    /// The first run with text at or after each node, doubled; plus one where it goes on with a
    /// word that an earlier run began.
    next: Vec<u32>,
}

impl Lengths {
    /// Measures what is live in `tree`.
    pub fn of(tree: &Tree<'_>) -> Self {
        Lengths::between(tree, 0, tree.len() as Node)
    }

    /// Measures what is live in `from..end`, where `from` is not inside a deleted element.
    pub fn between(tree: &Tree<'_>, from: Node, end: Node) -> Self {
        let pieces = tree.pieces();
        let nodes = (end - from) as usize;
        let mut lengths = Lengths {
            from,
            total: vec![0; nodes + 1],
            inked: vec![0; nodes + 1],
            words: vec![0; nodes + 1],
            next: vec![u32::MAX; nodes + 1],
        };
        let (mut total, mut inked, mut words) = (0u32, 0u32, 0u32);
        let mut open_word = false;
        let mut filled = 0usize;
        let mut at = 0usize;
        while at < nodes {
            let node = from + at as Node;
            let deleted = tree.is_deleted(node);
            let end = if deleted { (tree.end(node) - from) as usize } else { at + 1 };
            lengths.total[at..end].fill(total);
            lengths.inked[at..end].fill(inked);
            lengths.words[at..end].fill(words);
            if !deleted && tree.is_text(node) {
                let piece = pieces[node as usize];
                let piece = match piece.measured {
                    true => piece,
                    false => Piece::of(&tree.run(node)),
                };
                let glued = open_word && piece.inked_first;
                lengths.next[filled..=at].fill((node << 1) | u32::from(glued));
                filled = at + 1;
                total += piece.total;
                inked += piece.inked;
                words += piece.words - u32::from(glued);
                open_word = piece.inked_last;
            }
            at = end;
        }
        lengths.total[nodes] = total;
        lengths.inked[nodes] = inked;
        lengths.words[nodes] = words;
        lengths
    }

    fn at(&self, node: Node) -> usize {
        (node - self.from) as usize
    }

    /// Characters of the text in `from..end`.
    pub fn total(&self, from: Node, end: Node) -> usize {
        (self.total[self.at(end)] - self.total[self.at(from)]) as usize
    }

    /// Words in `from..end`: runs of characters that are no white space.
    pub fn words(&self, from: Node, end: Node) -> usize {
        let words = self.words[self.at(end)] - self.words[self.at(from)];
        let next = self.next[self.at(from)];
        let begins_inside = next != u32::MAX && next & 1 == 1 && next >> 1 < end;
        (words + u32::from(begins_inside)) as usize
    }

    /// Characters of the text in `from..end` that are no white space.
    pub fn inked(&self, from: Node, end: Node) -> usize {
        (self.inked[self.at(end)] - self.inked[self.at(from)]) as usize
    }

    /// Characters of the text in `from..end` once white space is trimmed: one blank between words,
    /// none around.
    pub fn trimmed(&self, from: Node, end: Node) -> usize {
        (self.inked(from, end) + self.words(from, end)).saturating_sub(1)
    }
}
