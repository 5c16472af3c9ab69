//! justext: paragraphs judged by length, links and stop words, then by their neighbours.
//!
//! After Pomikálek, "Removing Boilerplate and Duplicate Content from Web Corpora" (2011). Every
//! paragraph gets a class of its own; short and nearly good ones then take that of what stands
//! around them, in one pass each way. Headings have no rule. The stop words are the commonest of
//! a hundred languages in one list, so no language has to be known.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::block::Block;
use crate::html::{Budget, Name, Node, TooCostly, Tree, names};

/// Characters; a paragraph with fewer is short.
const SHORT: usize = 50;
/// Characters; only a longer paragraph is good by itself.
const LONG: usize = 150;
/// A higher share of characters in links is bad.
const MOST_LINKED: f64 = 0.25;
/// Shares of stop words: below the first bad, from the second on good. Those of justext as it is
/// set here, 0.1 and 0.2, are for lists that hold 45 times as many words; with these and the short
/// list 97.5 % of 14,471 paragraphs get the same class.
const FEW_STOPWORDS: f64 = 0.04;
const MANY_STOPWORDS: f64 = 0.06;

/// Lower-case words; made by `tools/make_stopwords.py`.
static STOPWORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("stopwords.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Whether an element of that name ends one paragraph and begins another.
fn is_boundary(name: Name) -> bool {
    matches!(
        name,
        names::BODY
            | names::BLOCKQUOTE
            | names::CAPTION
            | names::CENTER
            | names::COL
            | names::COLGROUP
            | names::DD
            | names::DIV
            | names::DL
            | names::DT
            | names::FIELDSET
            | names::FORM
            | names::LEGEND
            | names::OPTGROUP
            | names::OPTION
            | names::P
            | names::PRE
            | names::TABLE
            | names::TD
            | names::TEXTAREA
            | names::TFOOT
            | names::TH
            | names::THEAD
            | names::TR
            | names::UL
            | names::LI
            | names::H1
            | names::H2
            | names::H3
            | names::H4
            | names::H5
            | names::H6
    )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Bad,
    Short,
    NearGood,
    Good,
}

/// A paragraph while it is read: white space collapsed, cut at both ends.
#[derive(Default)]
struct Paragraph {
    text: String,
    characters: usize,
    linked: usize,
    in_select: bool,
}

impl Paragraph {
    fn class(&self) -> Class {
        if self.linked as f64 > MOST_LINKED * self.characters as f64
            || self.text.contains('©')
            || self.in_select
        {
            return Class::Bad;
        }
        if self.characters < SHORT {
            return if self.linked > 0 { Class::Bad } else { Class::Short };
        }
        let (mut words, mut stopwords) = (0usize, 0usize);
        for word in self.text.split_whitespace() {
            words += 1;
            stopwords += usize::from(STOPWORDS.contains(word.to_lowercase().as_str()));
        }
        let share = stopwords as f64 / words.max(1) as f64;
        if share >= MANY_STOPWORDS && self.characters > LONG {
            Class::Good
        } else if share >= FEW_STOPWORDS {
            Class::NearGood
        } else {
            Class::Bad
        }
    }
}

/// The paragraphs that are main text, in order; `tree` is a page without furniture.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn justext(tree: &Tree<'_>, budget: &mut Budget) -> Result<Vec<Block>, TooCostly> {
    let paragraphs = paragraphs(tree, budget)?;
    let mut classes: Vec<Class> = paragraphs.iter().map(Paragraph::class).collect();
    judge_by_neighbours(&mut classes);
    let judged = paragraphs.iter().zip(classes).filter(|(_, class)| *class == Class::Good);
    Ok(judged.filter_map(|(found, _)| Block::paragraph(&found.text)).collect())
}

/// The paragraphs of a page as they are read.
#[derive(Default)]
struct Reader {
    done: Vec<Paragraph>,
    growing: Paragraph,
}

impl Reader {
    /// Ends the paragraph; `in_select` is said of the next one.
    fn finish(&mut self, in_select: bool) {
        let next = Paragraph { in_select, ..Paragraph::default() };
        let mut found = std::mem::replace(&mut self.growing, next);
        if found.text.ends_with(' ') {
            found.text.pop();
            found.characters -= 1;
        }
        if !found.text.is_empty() {
            self.done.push(found);
        }
    }

    /// Appends a run of text, white space collapsed; gives the characters that it added.
    fn push(&mut self, run: &str) -> usize {
        let text = &mut self.growing.text;
        let mut added = 0;
        for character in run.chars() {
            if !character.is_whitespace() {
                text.push(character);
            } else if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            } else {
                continue;
            }
            added += 1;
        }
        self.growing.characters += added;
        added
    }
}

/// The paragraphs of a page: they end at block elements and at two breaks in a row.
fn paragraphs(tree: &Tree<'_>, budget: &mut Budget) -> Result<Vec<Paragraph>, TooCostly> {
    budget.spend(tree.len())?;
    let mut reader = Reader::default();
    let mut open_blocks: Vec<Node> = Vec::new();
    let (mut link_end, mut select_end) = (0, 0);
    let mut after_break = false;
    for node in tree.nodes_between(0, tree.len() as Node) {
        while open_blocks.pop_if(|end| *end <= node).is_some() {
            reader.finish(node < select_end);
        }
        let name = tree.name(node);
        match name {
            names::TEXT => {
                let run = tree.run(node);
                budget.spend(run.len())?;
                let added = reader.push(&run);
                if node < link_end {
                    reader.growing.linked += added;
                }
                after_break &= run.trim().is_empty();
            }
            names::BR if after_break => reader.finish(node < select_end),
            names::BR => {
                reader.push(" ");
                after_break = true;
            }
            _ if is_boundary(name) => {
                reader.finish(node < select_end);
                open_blocks.push(tree.end(node));
            }
            _ => {
                after_break = false;
                match name {
                    names::A => link_end = tree.end(node),
                    names::SELECT => select_end = select_end.max(tree.end(node)),
                    _ => {}
                }
            }
        }
    }
    reader.finish(false);
    Ok(reader.done)
}

/// Makes all classes good or bad.
///
/// Short ones first, by the nearest good or bad one on each side: what both agree on; where they
/// differ good if the bad side has a nearly good one before it. Then nearly good ones from the
/// first to the last: bad only between two bad ones. Beyond the ends all is bad.
fn judge_by_neighbours(classes: &mut [Class]) {
    let firm = |class: Class| matches!(class, Class::Good | Class::Bad);
    let long = |class: Class| class != Class::Short;
    let (before, after) = (nearest(classes, firm), nearest_behind(classes, firm));
    let (long_before, long_after) = (nearest(classes, long), nearest_behind(classes, long));
    for at in (0..classes.len()).filter(|&at| classes[at] == Class::Short).collect::<Vec<_>>() {
        let helped = |firm: Class, long: Class| firm == Class::Good || long == Class::NearGood;
        let good = match (before[at], after[at]) {
            (Class::Bad, Class::Bad) => false,
            _ => helped(before[at], long_before[at]) && helped(after[at], long_after[at]),
        };
        classes[at] = if good { Class::Good } else { Class::Bad };
    }
    let after = nearest_behind(classes, firm);
    let mut previous = Class::Bad;
    for (class, after) in classes.iter_mut().zip(after) {
        if *class == Class::NearGood {
            let bad = (previous, after) == (Class::Bad, Class::Bad);
            *class = if bad { Class::Bad } else { Class::Good };
        }
        previous = *class;
    }
}

/// For each place the nearest class before it that counts.
fn nearest(classes: &[Class], counts: impl Fn(Class) -> bool) -> Vec<Class> {
    let mut last = Class::Bad;
    let step = |&class: &Class| {
        let nearest = last;
        if counts(class) {
            last = class;
        }
        nearest
    };
    classes.iter().map(step).collect()
}

/// For each place the nearest class behind it that counts.
fn nearest_behind(classes: &[Class], counts: impl Fn(Class) -> bool) -> Vec<Class> {
    let reversed: Vec<Class> = classes.iter().rev().copied().collect();
    let mut found = nearest(&reversed, counts);
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule of the paper, looking both ways from every paragraph.
    fn slow_twin(own: &[Class]) -> Vec<Class> {
        let look = |classes: &[Class], at: usize, step: isize, over_near_good: bool| {
            let mut place = at as isize + step;
            while place >= 0 && (place as usize) < classes.len() {
                let class = classes[place as usize];
                if class != Class::Short && !(over_near_good && class == Class::NearGood) {
                    return class;
                }
                place += step;
            }
            Class::Bad
        };
        let mut classes = own.to_vec();
        for at in 0..own.len() {
            if own[at] == Class::Short {
                let sides =
                    [-1, 1].map(|step| (look(own, at, step, true), look(own, at, step, false)));
                let good = sides.iter().all(|side| side.0 == Class::Good)
                    || (sides.iter().any(|side| side.0 == Class::Good)
                        && sides.contains(&(Class::Bad, Class::NearGood)));
                classes[at] = if good { Class::Good } else { Class::Bad };
            }
        }
        for at in 0..classes.len() {
            if classes[at] == Class::NearGood {
                let bad = [-1, 1].iter().all(|&step| look(&classes, at, step, true) == Class::Bad);
                classes[at] = if bad { Class::Bad } else { Class::Good };
            }
        }
        classes
    }

    #[test]
    fn neighbours_in_passes_are_neighbours_looked_for() {
        let kinds = [Class::Bad, Class::Short, Class::NearGood, Class::Good];
        // All sequences of up to seven paragraphs.
        for length in 0..=7u32 {
            for number in 0..4usize.pow(length) {
                let own: Vec<Class> =
                    (0..length).map(|at| kinds[number / 4usize.pow(at) % 4]).collect();
                let mut judged = own.clone();
                judge_by_neighbours(&mut judged);
                assert_eq!(judged, slow_twin(&own), "{own:?}");
            }
        }
    }
}
