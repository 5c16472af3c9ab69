//! What is open at a place of the page.

use std::collections::VecDeque;

/// What opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Template,
    Link,
    Table,
    HtmlTable,
}

/// How far a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Before its first `|`.
    Target,
    /// Behind it; the target is written no more.
    Words,
    /// A file, category or link to another language: goes when it closes.
    Hidden,
    /// No link after all: a target has one line.
    Text,
}

/// Something open.
#[derive(Debug)]
pub(super) struct Frame {
    kind: Kind,
    /// Length of the output when it opened.
    pub(super) start: usize,
    /// Of a link.
    pub(super) part: Part,
}

/// Most that can be open; MediaWiki's own limit is 100 levels. Our choice.
const MOST: usize = 256;

/// All that is open, the innermost last.
#[derive(Default)]
pub(super) struct Frames {
    frames: VecDeque<Frame>,
    /// How many of each kind.
    held: [usize; 4],
}

impl Frames {
    /// Opens one. Of more than `MOST` the outermost counts as text.
    pub(super) fn enter(&mut self, kind: Kind, start: usize) {
        if self.frames.len() == MOST
            && let Some(outermost) = self.frames.pop_front()
        {
            self.held[outermost.kind as usize] -= 1;
        }
        self.frames.push_back(Frame { kind, start, part: Part::Target });
        self.held[kind as usize] += 1;
    }

    /// Closes the innermost of a kind; what opened inside it and is still open is text.
    pub(super) fn leave(&mut self, kind: Kind) -> Option<Frame> {
        if self.held[kind as usize] == 0 {
            return None;
        }
        while let Some(frame) = self.frames.pop_back() {
            self.held[frame.kind as usize] -= 1;
            if frame.kind == kind {
                return Some(frame);
            }
        }
        None
    }

    /// The innermost, where it is a link.
    pub(super) fn link(&mut self) -> Option<&mut Frame> {
        self.frames.back_mut().filter(|frame| frame.kind == Kind::Link)
    }
}
