//! What the model knows of the elements around blocks: tags, names, how much of the page they
//! hold, how often they repeat.

use super::blocks::Blocks;
use super::naming;
use crate::html::{Budget, Name, Node, TooCostly, Tree, names};

/// Tags that are looked for around a block, a group a bit.
const TAGS: [&[Name]; 27] = [
    &[names::P],
    &[names::LI],
    &[names::UL, names::OL],
    &[names::DL, names::DT, names::DD],
    &[names::TABLE],
    &[names::TD],
    &[names::TH],
    &[names::PRE, names::CODE],
    &[names::BLOCKQUOTE],
    &[names::H1],
    &[names::H2],
    &[names::H3],
    &[names::H4, names::H5, names::H6],
    &[names::A],
    &[names::ARTICLE],
    &[names::MAIN],
    &[names::SECTION],
    &[names::ASIDE],
    &[names::NAV],
    &[names::HEADER],
    &[names::FOOTER],
    &[names::FORM, names::FIELDSET],
    &[names::FIGURE, names::FIGCAPTION],
    &[names::BUTTON, names::LABEL],
    &[names::SPAN, names::FONT],
    &[names::DIV],
    &[names::DETAILS, names::DIALOG],
];

/// How many groups of tags there are.
pub const TAG_GROUPS: usize = TAGS.len();

/// Groups that an element's tag is in.
fn tag_bits(name: Name) -> u32 {
    TAGS.iter()
        .enumerate()
        .fold(0, |bits, (at, group)| bits | u32::from(group.contains(&name)) << at)
}

/// Sums over blocks, before each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// Characters.
    pub chars: u32,
    /// Characters in links.
    pub linked: u32,
    /// Characters that the rules kept.
    pub kept: u32,
    /// Commas and stops.
    pub points: u32,
    /// Stop words.
    pub stopwords: u32,
    /// Words.
    pub words: u32,
}

impl Sums {
    /// Adds another.
    pub fn add(&mut self, other: Sums) {
        self.chars += other.chars;
        self.linked += other.linked;
        self.kept += other.kept;
        self.points += other.points;
        self.stopwords += other.stopwords;
        self.words += other.words;
    }

    fn less(self, other: Sums) -> Sums {
        Sums {
            chars: self.chars - other.chars,
            linked: self.linked - other.linked,
            kept: self.kept - other.kept,
            points: self.points - other.points,
            stopwords: self.stopwords - other.stopwords,
            words: self.words - other.words,
        }
    }
}

/// No element.
pub const NONE: u32 = u32::MAX;

/// An element around blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// The element around it, by its number here, or [`NONE`].
    pub parent: u32,
    /// Groups of its tag.
    pub tags: u32,
    /// Families of names that the rules act on.
    pub families: u32,
    /// Notions of its names.
    pub notions: u64,
    /// A number for tag and class.
    pub key: u32,
    /// Siblings with the same key, itself included.
    pub siblings: u32,
    /// Its place among them, from 0.
    pub place: u32,
    /// Its blocks, as a range.
    pub blocks: (u32, u32),
}

/// Elements around blocks, and sums over the blocks.
#[derive(Debug)]
pub struct Outline {
    /// The elements, each before those around it that no earlier block has.
    pub elements: Vec<Element>,
    /// Of each block the innermost element.
    pub innermost: Vec<u32>,
    sums: Vec<Sums>,
}

impl Outline {
    /// Looks at all elements around `blocks`; `kept` has the share of each that the rules kept.
    ///
    /// # Errors
    /// [`TooCostly`] where `budget` does not last.
    pub fn of(
        page: &Tree<'_>,
        families: &[u32],
        blocks: &Blocks,
        kept: &[f32],
        budget: &mut Budget,
    ) -> Result<Outline, TooCostly> {
        budget.spend(page.len() + 100 * blocks.spans.len())?;
        let mut outline = Outline {
            elements: Vec::new(),
            innermost: Vec::with_capacity(blocks.spans.len()),
            sums: sums(blocks, kept),
        };
        let mut number = vec![NONE; page.len()];
        for span in &blocks.spans {
            // The last element whose parent is not known yet.
            let mut open = None;
            let mut innermost = NONE;
            for node in page.ancestors(span.first) {
                let known = number[node as usize];
                let at = if known == NONE { outline.elements.len() as u32 } else { known };
                if innermost == NONE {
                    innermost = at;
                }
                if let Some(inner) = open.replace(at) {
                    let inner: u32 = inner;
                    outline.elements[inner as usize].parent = at;
                }
                if known != NONE {
                    break; // so is everything around it
                }
                number[node as usize] = at;
                outline.elements.push(element(page, families, blocks, node, budget)?);
            }
            outline.innermost.push(innermost);
        }
        outline.count_siblings(budget)?;
        Ok(outline)
    }

    /// Of each element, how many siblings are like it.
    fn count_siblings(&mut self, budget: &mut Budget) -> Result<(), TooCostly> {
        budget.spend(50 * self.elements.len())?;
        let mut order: Vec<(u32, u32, u32)> = self
            .elements
            .iter()
            .enumerate()
            .map(|(at, element)| (element.parent, element.key, at as u32))
            .collect();
        order.sort_unstable();
        for alike in order.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            for (place, &(_, _, at)) in alike.iter().enumerate() {
                let element = &mut self.elements[at as usize];
                element.siblings = alike.len() as u32;
                element.place = place as u32;
            }
        }
        Ok(())
    }

    /// The elements around a block, from the inside.
    pub fn around(&self, block: usize) -> impl Iterator<Item = &Element> {
        let get = |at: u32| self.elements.get(at as usize);
        std::iter::successors(get(self.innermost[block]), move |element| get(element.parent))
    }

    /// Sums over the blocks in a range.
    pub fn sum(&self, from: usize, end: usize) -> Sums {
        self.sums[end].less(self.sums[from])
    }
}

fn sums(blocks: &Blocks, kept: &[f32]) -> Vec<Sums> {
    let mut sums = vec![Sums::default()];
    let mut sum = Sums::default();
    for (span, share) in blocks.spans.iter().zip(kept) {
        let counts = &span.counts;
        sum.chars += counts.chars;
        sum.linked += counts.linked;
        sum.kept += (share * counts.chars as f32) as u32;
        sum.points += counts.commas + counts.stops;
        sum.stopwords += counts.stopwords;
        sum.words += counts.words;
        sums.push(sum);
    }
    sums
}

fn element(
    page: &Tree<'_>,
    families: &[u32],
    blocks: &Blocks,
    node: Node,
    budget: &mut Budget,
) -> Result<Element, TooCostly> {
    let named = naming::of(page, node, budget)?;
    let name = page.name(node);
    let first = blocks.spans.partition_point(|span| span.first < node);
    let end = blocks.spans.partition_point(|span| span.first < page.end(node));
    Ok(Element {
        parent: NONE,
        tags: tag_bits(name),
        families: families[node as usize],
        notions: named.notions,
        key: named.class.wrapping_mul(31) ^ u32::from(name.0).wrapping_mul(0x9E37_79B1),
        siblings: 1,
        place: 0,
        blocks: (first as u32, end as u32),
    })
}
