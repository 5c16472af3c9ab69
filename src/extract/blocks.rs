//! A page as a sequence of blocks: the units that the model keeps or drops.
//!
//! A block is a maximal run of inline content: it begins and ends where an element does that makes
//! lines of its own, and at two line breaks in a row. What is never shown has no blocks.

use super::tokens::{self, Tokenizer};
use crate::html::{Budget, Name, Node, TooCostly, Tree, names};
use crate::page::plain::is_blank;

/// Blocks and words of a page that are looked at (our choice: several times what the largest
/// labelled page has).
const MOST_BLOCKS: usize = 20_000;
const MOST_WORDS: usize = 300_000;

/// What is counted of a block's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Characters, runs of white space as one.
    pub chars: u32,
    /// Those inside links.
    pub linked: u32,
    /// Those in bold or a heading's type.
    pub bold: u32,
    /// Words, by white space.
    pub words: u32,
    /// Words that begin with a capital.
    pub capitals: u32,
    /// Words that are among the commonest of some language; see [`tokens::is_stopword`].
    pub stopwords: u32,
    /// Words without a letter or digit.
    pub marks: u32,
    /// Digits.
    pub digits: u32,
    /// Commas of all scripts.
    pub commas: u32,
    /// Full stops, exclamation and question marks of all scripts.
    pub stops: u32,
    /// Brackets, bars, quotation marks and other signs.
    pub signs: u32,
    /// Characters of scripts without blanks.
    pub unspaced: u32,
    /// Links that begin in the block.
    pub links: u32,
    /// Line breaks.
    pub breaks: u32,
    /// Images.
    pub images: u32,
    /// Buttons, input fields, labels.
    pub inputs: u32,
    /// Inline elements of any kind.
    pub inline: u32,
    /// Characters of the longest word.
    pub longest: u32,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first run of text that is not blank.
    pub first: Node,
    /// Its runs of text, as a range of [`Blocks::runs`].
    pub runs: (u32, u32),
    /// Its words, as a range of [`Blocks::words`].
    pub words: (u32, u32),
    /// The element that makes its lines.
    pub around: Node,
    /// What its text is like.
    pub counts: Counts,
    /// First and last character that is no white space.
    pub ends: (char, char),
}

/// All blocks of a page, in document order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// The blocks; each has text.
    pub spans: Vec<Span>,
    /// Runs of text of all blocks.
    pub runs: Vec<Node>,
    /// Words of all blocks; see [`tokens`].
    pub words: Vec<u32>,
}

impl Blocks {
    /// Whether the page has more than is looked at: then these are not all of its blocks.
    pub fn are_too_many(&self) -> bool {
        self.spans.len() > MOST_BLOCKS || self.words.len() > MOST_WORDS
    }
}

/// Elements whose text is not shown, or not as text.
fn is_unseen(name: Name) -> bool {
    matches!(
        name,
        names::HEAD
            | names::SCRIPT
            | names::STYLE
            | names::TEMPLATE
            | names::SVG
            | names::NOSCRIPT
            | names::IFRAME
            | names::NOFRAMES
            | names::NOEMBED
            | names::TEXTAREA
            | names::SELECT
            | names::DATALIST
            | names::AUDIO
            | names::VIDEO
            | names::CANVAS
            | names::OBJECT
            | names::MAP
            | names::TITLE
    )
}

/// The blocks of what is live in `page`.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn blocks(page: &Tree<'_>, budget: &mut Budget) -> Result<Blocks, TooCostly> {
    budget.spend(2 * page.len())?;
    let mut growing = Growing::default();
    // Elements with lines of their own that are open, and their ends.
    let mut open: Vec<Node> = Vec::new();
    let (mut link_end, mut bold_end, mut breaks) = (0, 0, 0);
    let mut nodes = page.nodes_between(0, page.len() as Node);
    while let Some(node) = nodes.next() {
        while open.pop_if(|block| page.end(*block) <= node).is_some() {
            growing.finish();
        }
        if growing.done.are_too_many() {
            break;
        }
        let name = page.name(node);
        if name == names::TEXT {
            let run = page.run(node);
            budget.spend(4 * run.len())?;
            let style = Style { linked: node < link_end, bold: node < bold_end };
            if growing.push(node, &run, style, open.last().copied().unwrap_or(0)) {
                breaks = 0;
            }
        } else if is_unseen(name) {
            nodes.jump_past(node);
        } else if name == names::BR {
            breaks += 1;
            growing.counts.breaks += 1;
            growing.gap();
            if breaks == 2 {
                growing.finish();
            }
        } else if names::is_block(name) {
            growing.finish();
            breaks = 0;
            open.push(node);
            if is_bold(name) {
                bold_end = bold_end.max(page.end(node));
            }
        } else {
            growing.counts.inline += 1;
            match name {
                names::A => {
                    growing.counts.links += 1;
                    link_end = link_end.max(page.end(node));
                }
                names::IMG | names::PICTURE => growing.counts.images += 1,
                names::INPUT | names::BUTTON | names::LABEL => growing.counts.inputs += 1,
                _ if is_bold(name) => bold_end = bold_end.max(page.end(node)),
                _ => {}
            }
        }
    }
    growing.finish();
    Ok(growing.done)
}

fn is_bold(name: Name) -> bool {
    use names::*;
    matches!(name, B | STRONG | H1 | H2 | H3 | H4 | H5 | H6 | TH | DT)
}

/// How a run of text is set.
#[derive(Clone, Copy)]
struct Style {
    linked: bool,
    bold: bool,
}

/// A block while it is read.
#[derive(Default)]
struct Growing {
    done: Blocks,
    counts: Counts,
    first: Option<Node>,
    around: Node,
    ends: (char, char),
    tokenizer: Tokenizer,
    /// Characters of the open word, and whether a letter or digit is among them.
    word: u32,
    has_letter: bool,
}

impl Growing {
    /// Adds a run of text; whether there is anything but white space in it.
    fn push(&mut self, node: Node, run: &str, style: Style, around: Node) -> bool {
        self.done.runs.push(node);
        let before = self.counts.chars;
        for character in run.chars() {
            self.tokenizer.push(character, &mut self.done.words);
            if is_blank(character) {
                self.gap();
                continue;
            }
            if self.first.is_none() {
                self.first = Some(node);
                self.around = around;
                self.ends.0 = character;
            }
            self.ends.1 = character;
            self.character(character, style);
        }
        self.counts.chars > before
    }

    fn character(&mut self, character: char, style: Style) {
        let counts = &mut self.counts;
        if self.word == 0 {
            counts.words += 1;
            counts.chars += u32::from(counts.words > 1);
            counts.capitals += u32::from(character.is_uppercase());
            self.has_letter = false;
        }
        self.word += 1;
        counts.chars += 1;
        counts.linked += u32::from(style.linked);
        counts.bold += u32::from(style.bold);
        if character.is_ascii_alphabetic() {
            self.has_letter = true;
            return;
        }
        match character {
            '0'..='9' => counts.digits += 1,
            ',' | '،' | '、' | '，' | ';' | '；' => counts.commas += 1,
            '.' | '!' | '?' | '…' | '。' | '！' | '？' | '।' | '؟' => counts.stops += 1,
            _ if character.is_alphanumeric() => {}
            _ => {
                counts.signs += 1;
                return;
            }
        }
        self.has_letter |= character.is_alphanumeric();
        counts.unspaced += u32::from(tokens::is_alone(character));
    }

    /// Ends the word.
    fn gap(&mut self) {
        if self.word > 0 {
            self.counts.longest = self.counts.longest.max(self.word);
            self.counts.marks += u32::from(!self.has_letter);
            self.word = 0;
        }
        self.tokenizer.end(&mut self.done.words);
    }

    /// Ends the block; what is blank is none.
    fn finish(&mut self) {
        self.gap();
        let runs = self.done.spans.last().map_or(0, |last| last.runs.1);
        let words = self.done.spans.last().map_or(0, |last| last.words.1);
        let mut counts = std::mem::take(&mut self.counts);
        if let Some(first) = self.first.take() {
            let found = &self.done.words[words as usize..];
            counts.stopwords =
                found.iter().filter(|&&word| tokens::is_stopword(word)).count() as u32;
            self.done.spans.push(Span {
                first,
                runs: (runs, self.done.runs.len() as u32),
                words: (words, self.done.words.len() as u32),
                around: self.around,
                counts,
                ends: self.ends,
            });
        } else {
            self.done.runs.truncate(runs as usize);
        }
    }
}
