//! Numbers that describe a block to the model: its text, the elements around it, what the rules
//! kept, what stands before and behind it, and the page.
//!
//! Sums and quotients only, in a fixed order: the same bits on every machine. Where there is
//! nothing to count, a number is -1.

use super::align;
use super::blocks::{Blocks, Span};
use super::naming;
use super::outline::{Outline, Sums, TAG_GROUPS};
use super::tokens;
use crate::html::{Budget, Node, TooCostly, Tree, names};

/// Containers of growing size that are looked at.
const CONTAINERS: usize = 5;
/// Ancestors whose repetition is looked at.
const LEVELS: usize = 5;
/// Families of the rules' names; see [`super::families`].
const FAMILIES: usize = 13;
/// Stands for "nowhere" where a number of ancestors is meant.
const FAR: f32 = 30.0;

/// What all rows of a page are made from.
pub struct Page<'a> {
    blocks: &'a Blocks,
    outline: Outline,
    kept: Vec<f32>,
    in_title: Vec<f32>,
    alike: Vec<Alike>,
    /// Blocks with the same words.
    repeats: Vec<u32>,
    /// Numbers of the page, the end of every row.
    page: Vec<f32>,
    /// First and last block that the rules kept.
    frame: Option<(usize, usize)>,
    /// The first `h1`, by its block.
    title: Option<usize>,
    /// Blocks since the last heading.
    since_heading: Vec<u32>,
    /// Characters under the heading so far.
    under_heading: Vec<u32>,
}

/// Blocks whose innermost elements have the same tags and classes.
#[derive(Clone, Copy, Debug, Default)]
struct Alike {
    blocks: u32,
    sums: Sums,
    /// Its place among them.
    place: u32,
    /// The first of them.
    first: u32,
}

fn ratio(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { -1.0 }
}

fn share(part: u32, whole: u32) -> f32 {
    ratio(part as f32, whole as f32)
}

impl<'a> Page<'a> {
    /// Looks at a page whose text by the rules is `text`.
    ///
    /// # Errors
    /// [`TooCostly`] where `budget` does not last.
    pub fn new(
        page: &Tree<'_>,
        families: &[u32],
        blocks: &'a Blocks,
        text: &str,
        budget: &mut Budget,
    ) -> Result<Self, TooCostly> {
        budget.spend(10 * text.len())?;
        let kept = shares(blocks, &tokens::tokens(text), budget)?;
        let outline = Outline::of(page, families, blocks, &kept, budget)?;
        let is_kept = |share: &f32| *share > 0.5;
        let first = kept.iter().position(is_kept);
        let last = kept.iter().rposition(is_kept);
        let headings = headings(&outline, blocks);
        let (mut since_heading, mut under_heading) = (Vec::new(), Vec::new());
        let (mut since, mut under) = (1000, 0);
        for (span, heading) in blocks.spans.iter().zip(&headings) {
            if *heading > 0 {
                (since, under) = (0, 0);
            }
            since_heading.push(since);
            under_heading.push(under);
            since += 1;
            under += span.counts.chars;
        }
        let mut found = Page {
            blocks,
            in_title: in_title(page, blocks, budget)?,
            alike: alike(&outline, blocks.spans.len(), budget)?,
            repeats: repeats(blocks, budget)?,
            page: Vec::new(),
            frame: first.zip(last),
            title: headings.iter().position(|&heading| heading == 1),
            since_heading,
            under_heading,
            outline,
            kept,
        };
        found.page = found.of_page(page, text, budget)?;
        Ok(found)
    }

    /// How many blocks there are.
    pub fn len(&self) -> usize {
        self.blocks.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.spans.is_empty()
    }

    /// Share of each block's words that the rules kept.
    pub fn kept(&self) -> &[f32] {
        &self.kept
    }

    /// The outline that the rows are made from.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Appends the numbers of a block.
    pub fn row(&self, at: usize, row: &mut Vec<f32>) {
        self.of_text(at, row);
        self.of_ancestors(at, row);
        self.of_containers(at, row);
        self.of_repetition(at, row);
        self.of_place(at, row);
        self.of_neighbours(at, row);
        row.extend_from_slice(&self.page);
    }

    /// Characters of a block.
    pub fn chars(&self, at: usize) -> u32 {
        self.blocks.spans[at].counts.chars
    }

    /// The first of the blocks that are alike with one.
    pub fn group(&self, at: usize) -> usize {
        self.alike[at].first as usize
    }

    /// Appends the numbers of a block's text alone.
    pub fn of_text(&self, at: usize, row: &mut Vec<f32>) {
        let span = &self.blocks.spans[at];
        let counts = &span.counts;
        let chars = counts.chars;
        let tokens = span.words.1 - span.words.0;
        row.extend([
            chars as f32,
            counts.words as f32,
            tokens as f32,
            share(chars, counts.words),
            share(counts.linked, chars),
            share(counts.bold, chars),
            share(counts.capitals, counts.words),
            share(counts.stopwords, tokens),
            counts.stopwords as f32,
            share(counts.marks, counts.words),
            share(counts.digits, chars),
            counts.digits as f32,
            counts.commas as f32,
            counts.stops as f32,
            share(counts.commas + counts.stops, counts.words),
            share(counts.signs, chars),
            counts.signs as f32,
            share(counts.unspaced, chars),
            counts.links as f32,
            share(counts.links, counts.words),
            counts.breaks as f32,
            counts.images as f32,
            counts.inputs as f32,
            counts.inline as f32,
            counts.longest as f32,
            kind(span.ends.0),
            kind(span.ends.1),
            self.in_title[at],
            self.kept[at],
        ]);
    }

    fn of_ancestors(&self, at: usize, row: &mut Vec<f32>) {
        let mut tags = [FAR; TAG_GROUPS];
        let mut families = [FAR; FAMILIES];
        let mut notions = [FAR; naming::COUNT];
        let (mut seen_tags, mut seen_families, mut seen_notions) = (0, 0, 0u64);
        let mut depth = 0;
        for element in self.outline.around(at) {
            let distance = (depth as f32).min(FAR - 1.0);
            note(u64::from(element.tags & !seen_tags), distance, &mut tags);
            note(u64::from(element.families & !seen_families), distance, &mut families);
            note(element.notions & !seen_notions, distance, &mut notions);
            seen_tags |= element.tags;
            seen_families |= element.families;
            seen_notions |= element.notions;
            depth += 1;
        }
        row.push(depth as f32);
        row.push(seen_notions.count_ones() as f32);
        row.extend(tags);
        row.extend(families);
        row.extend(notions);
    }

    fn of_containers(&self, at: usize, row: &mut Vec<f32>) {
        let all = self.outline.sum(0, self.len());
        let mut blocks = 1;
        let mut found = 0;
        for element in self.outline.around(at) {
            let (from, end) = (element.blocks.0 as usize, element.blocks.1 as usize);
            if end - from <= blocks {
                continue;
            }
            blocks = end - from;
            let sums = self.outline.sum(from, end);
            row.extend([
                blocks as f32,
                share(sums.chars, all.chars),
                share(sums.linked, sums.chars),
                share(sums.kept, sums.chars),
                share(sums.points, sums.words),
                share(sums.stopwords, sums.words),
                sums.chars as f32 / blocks as f32,
                (at - from) as f32 / blocks as f32,
            ]);
            found += 1;
            if found == CONTAINERS {
                return;
            }
        }
        row.extend(std::iter::repeat_n(-1.0, 8 * (CONTAINERS - found)));
    }

    fn of_repetition(&self, at: usize, row: &mut Vec<f32>) {
        let all = self.outline.sum(0, self.len());
        let (mut most, mut place) = (0, 0);
        let mut levels = 0;
        for element in self.outline.around(at).take(LEVELS) {
            row.push(element.siblings as f32);
            if element.siblings > most {
                (most, place) = (element.siblings, element.place);
            }
            levels += 1;
        }
        row.extend(std::iter::repeat_n(-1.0, LEVELS - levels));
        let alike = &self.alike[at];
        row.extend([
            most as f32,
            place as f32,
            share(place, most),
            alike.blocks as f32,
            alike.place as f32,
            share(alike.blocks, self.len() as u32),
            share(alike.sums.chars, all.chars),
            share(alike.sums.linked, alike.sums.chars),
            share(alike.sums.kept, alike.sums.chars),
            share(alike.sums.points, alike.sums.words),
            share(alike.sums.chars, alike.blocks),
            self.repeats[at] as f32,
        ]);
    }

    fn of_place(&self, at: usize, row: &mut Vec<f32>) {
        let all = self.outline.sum(0, self.len());
        let before = self.outline.sum(0, at);
        let (mut inside, mut to_first, mut to_last) = (-1.0, -1.0, -1.0);
        if let Some((first, last)) = self.frame {
            inside = f32::from(u8::from(at >= first)) + f32::from(u8::from(at > last));
            to_first = at as f32 - first as f32;
            to_last = at as f32 - last as f32;
        }
        let title = self.title.map_or(1000.0, |title| at as f32 - title as f32);
        row.extend([
            at as f32,
            at as f32 / self.len() as f32,
            (self.len() - at) as f32,
            share(before.chars, all.chars),
            share(before.kept, all.kept),
            inside,
            to_first,
            to_last,
            title,
            self.since_heading[at] as f32,
            self.under_heading[at] as f32,
        ]);
    }

    fn of_neighbours(&self, at: usize, row: &mut Vec<f32>) {
        for distance in [-2, -1, 1, 2] {
            let other = at.checked_add_signed(distance).filter(|&other| other < self.len());
            let Some(other) = other else {
                row.extend([-1.0; 9]);
                continue;
            };
            let span = &self.blocks.spans[other];
            let counts = &span.counts;
            row.extend([
                counts.chars as f32,
                share(counts.linked, counts.chars),
                share(counts.bold, counts.chars),
                share(counts.stopwords, span.words.1 - span.words.0),
                share(counts.commas + counts.stops, counts.words),
                self.kept[other],
                kind(span.ends.1),
                f32::from(u8::from(self.is_like(at, other))),
                common_depth(&self.outline, at, other),
            ]);
        }
        for reach in [1, 2, 5, 12] {
            let (from, end) = (at.saturating_sub(reach), (at + reach + 1).min(self.len()));
            let sums = self.outline.sum(from, end);
            row.extend([
                sums.chars as f32 / (end - from) as f32,
                share(sums.linked, sums.chars),
                share(sums.kept, sums.chars),
                share(sums.points, sums.words),
                share(sums.stopwords, sums.words),
            ]);
        }
    }

    fn is_like(&self, one: usize, other: usize) -> bool {
        let key = |at| self.outline.around(at).next().map(|element| element.key);
        key(one) == key(other)
    }

    fn of_page(
        &self,
        page: &Tree<'_>,
        text: &str,
        budget: &mut Budget,
    ) -> Result<Vec<f32>, TooCostly> {
        budget.spend(2 * page.len())?;
        let all = self.outline.sum(0, self.len());
        let spans = &self.blocks.spans;
        let longest = spans.iter().map(|span| span.counts.chars).max().unwrap_or(0);
        let long =
            |span: &&Span| span.counts.chars > 150 && 3 * span.counts.linked < span.counts.chars;
        let unspaced: u32 = spans.iter().map(|span| span.counts.unspaced).sum();
        let repeated = self.alike.iter().map(|alike| alike.blocks).max().unwrap_or(0);
        let mut counts = [0u32; 8];
        for node in 0..page.len() as Node {
            let at = match page.name(node) {
                names::P => 0,
                names::ARTICLE => 1,
                names::A => 2,
                names::IMG => 3,
                names::LI => 4,
                names::TABLE | names::TD => 5,
                names::INPUT | names::BUTTON | names::FORM => 6,
                names::H2 | names::H3 => 7,
                _ => continue,
            };
            counts[at] += 1;
        }
        let mut found = vec![
            self.len() as f32,
            all.chars as f32,
            share(all.linked, all.chars),
            share(all.kept, all.chars),
            text.len() as f32,
            share(all.points, all.words),
            share(all.stopwords, all.words),
            longest as f32,
            spans.iter().filter(long).count() as f32,
            share(unspaced, all.chars),
            share(repeated, self.len() as u32),
            f32::from(u8::from(super::thread::is_thread(page, budget)?)),
        ];
        found.extend(counts.map(|count| count as f32));
        Ok(found)
    }
}

/// Notes a distance for each bit.
fn note(mut bits: u64, distance: f32, distances: &mut [f32]) {
    while bits != 0 {
        if let Some(found) = distances.get_mut(bits.trailing_zeros() as usize) {
            *found = distance;
        }
        bits &= bits - 1;
    }
}

/// What kind of character begins or ends a block.
fn kind(character: char) -> f32 {
    match character {
        '.' | '!' | '?' | '…' | '。' | '！' | '？' | '।' | '؟' => 0.0,
        '"' | '”' | '»' | '’' | ')' | '」' | '“' | '«' | '„' | '‘' | '\'' => 1.0,
        ':' | '：' => 2.0,
        ',' | ';' | '，' | '、' => 3.0,
        _ if character.is_lowercase() => 4.0,
        _ if character.is_uppercase() => 5.0,
        _ if character.is_numeric() => 6.0,
        _ if character.is_alphabetic() => 7.0,
        '©' | '|' | '·' | '•' | '/' | '-' | '–' | '—' | '>' | '›' | '→' => 8.0,
        _ => 9.0,
    }
}

/// How far out, from the first, the innermost element around both blocks is.
fn common_depth(outline: &Outline, at: usize, other: usize) -> f32 {
    let holds = |blocks: (u32, u32)| (blocks.0..blocks.1).contains(&(other as u32));
    let depth = outline.around(at).position(|element| holds(element.blocks));
    depth.map_or(FAR, |depth| depth as f32)
}

/// Share of each block's words that stand in `text`, in order; -1 for blocks without words.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn shares(blocks: &Blocks, text: &[u32], budget: &mut Budget) -> Result<Vec<f32>, TooCostly> {
    let matched = align::matched(&blocks.words, text, budget)?;
    let of = |span: &Span| {
        let words = &matched[span.words.0 as usize..span.words.1 as usize];
        share(words.iter().filter(|&&word| word).count() as u32, words.len() as u32).max(0.0)
    };
    Ok(blocks.spans.iter().map(of).collect())
}

/// Levels of headings; 0 for other blocks.
fn headings(outline: &Outline, blocks: &Blocks) -> Vec<u8> {
    let level = |at| {
        // Bits 9 to 12 of the tags.
        outline.around(at).take(3).find_map(|element| {
            (0..4).find(|level| element.tags >> (9 + level) & 1 == 1).map(|level| level + 1)
        })
    };
    (0..blocks.spans.len()).map(|at| level(at).unwrap_or(0)).collect()
}

/// Share of each block's words that the page's title has.
fn in_title(page: &Tree<'_>, blocks: &Blocks, budget: &mut Budget) -> Result<Vec<f32>, TooCostly> {
    budget.spend(page.len() + 4 * blocks.words.len())?;
    let title = (0..page.len() as Node).find(|&node| page.name(node) == names::TITLE);
    let mut title = title.map_or_else(Vec::new, |node| tokens::tokens(&page.text_content(node)));
    title.truncate(100);
    title.sort_unstable();
    let of = |span: &Span| {
        let words = &blocks.words[span.words.0 as usize..span.words.1 as usize];
        if words.len() > 40 {
            return 0.0;
        }
        let found = words.iter().filter(|word| title.binary_search(word).is_ok()).count();
        share(found as u32, words.len() as u32)
    };
    Ok(blocks.spans.iter().map(of).collect())
}

/// Groups blocks by the keys of the three innermost elements around them.
fn alike(outline: &Outline, blocks: usize, budget: &mut Budget) -> Result<Vec<Alike>, TooCostly> {
    budget.spend(60 * blocks)?;
    let key = |at| {
        let keys = outline.around(at).take(3);
        keys.fold(0u32, |hash, element| hash.rotate_left(9).wrapping_mul(0x85EB_CA6B) ^ element.key)
    };
    let mut order: Vec<(u32, u32)> = (0..blocks).map(|at| (key(at), at as u32)).collect();
    order.sort_unstable();
    let mut found = vec![Alike::default(); blocks];
    for group in order.chunk_by(|one, other| one.0 == other.0) {
        let mut sums = Sums::default();
        for &(_, at) in group {
            sums.add(outline.sum(at as usize, at as usize + 1));
        }
        for (place, &(_, at)) in group.iter().enumerate() {
            let (blocks, first) = (group.len() as u32, group[0].1);
            found[at as usize] = Alike { blocks, sums, place: place as u32, first };
        }
    }
    Ok(found)
}

/// Of each block, how many have the same words.
fn repeats(blocks: &Blocks, budget: &mut Budget) -> Result<Vec<u32>, TooCostly> {
    budget.spend(60 * blocks.spans.len() + blocks.words.len())?;
    let hash = |span: &Span| {
        let words = &blocks.words[span.words.0 as usize..span.words.1 as usize];
        words.iter().fold(words.len() as u32, |hash, &word| {
            hash.rotate_left(9).wrapping_mul(0x85EB_CA6B) ^ word
        })
    };
    let mut order: Vec<(u32, u32)> =
        blocks.spans.iter().enumerate().map(|(at, span)| (hash(span), at as u32)).collect();
    order.sort_unstable();
    let mut found = vec![0; blocks.spans.len()];
    for group in order.chunk_by(|one, other| one.0 == other.0) {
        group.iter().for_each(|&(_, at)| found[at as usize] = group.len() as u32);
    }
    Ok(found)
}
