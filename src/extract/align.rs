//! Which words of a page stand in a text made from it, in order.
//!
//! Patience diff: runs of words that both sides have once are anchors, of which the longest
//! sequence in the same order holds; what lies between two anchors is aligned in the same way, and
//! by a longest common subsequence where it is small. A word that the page repeats elsewhere is so
//! matched where its neighbours are.

use crate::html::{Budget, TooCostly};

/// Pairs of words between two anchors that are compared one by one (our choice).
const CELLS: usize = 20_000;
/// Rounds of anchors inside anchors (our choice).
const DEPTH: usize = 12;
/// Words of an anchor; where none is found, the next.
const SIZES: [usize; 3] = [5, 3, 1];

/// Part of both sides that is still to be aligned.
#[derive(Clone, Copy)]
struct Gap {
    page: (usize, usize),
    text: (usize, usize),
    depth: usize,
}

/// For each word of `page`, whether it is matched with one of `text`.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn matched(page: &[u32], text: &[u32], budget: &mut Budget) -> Result<Vec<bool>, TooCostly> {
    let mut found = vec![false; page.len()];
    let mut gaps = vec![Gap { page: (0, page.len()), text: (0, text.len()), depth: 0 }];
    while let Some(mut gap) = gaps.pop() {
        trim(page, text, &mut gap, &mut found);
        let (rows, columns) = (gap.page.1 - gap.page.0, gap.text.1 - gap.text.0);
        if rows == 0 || columns == 0 {
            continue;
        }
        if rows * columns <= CELLS {
            budget.spend(rows * columns)?;
            common(page, text, &gap, &mut found);
            continue;
        }
        if gap.depth == DEPTH {
            continue;
        }
        for size in SIZES {
            budget.spend(20 * (rows + columns))?;
            let anchors = anchors(page, text, &gap, size);
            if !anchors.is_empty() {
                split(&anchors, &gap, size, &mut gaps, &mut found);
                break;
            }
        }
    }
    Ok(found)
}

/// Matches equal words at both ends.
fn trim(page: &[u32], text: &[u32], gap: &mut Gap, found: &mut [bool]) {
    let some = |gap: &Gap| gap.page.0 < gap.page.1 && gap.text.0 < gap.text.1;
    while some(gap) && page[gap.page.0] == text[gap.text.0] {
        found[gap.page.0] = true;
        gap.page.0 += 1;
        gap.text.0 += 1;
    }
    while some(gap) && page[gap.page.1 - 1] == text[gap.text.1 - 1] {
        gap.page.1 -= 1;
        gap.text.1 -= 1;
        found[gap.page.1] = true;
    }
}

/// Hashes of all runs of `size` words in a range, with their places, sorted.
fn runs(words: &[u32], range: (usize, usize), size: usize) -> Vec<(u32, u32)> {
    let hash = |run: &[u32]| {
        run.iter().fold(0u32, |hash, &word| hash.rotate_left(7).wrapping_mul(0x9E37_79B1) ^ word)
    };
    let part = &words[range.0..range.1];
    part.windows(size).enumerate().map(|(at, run)| (hash(run), (range.0 + at) as u32)).collect()
}

/// Places in page and text of runs that each has once, in the order of both.
fn anchors(page: &[u32], text: &[u32], gap: &Gap, size: usize) -> Vec<(u32, u32)> {
    let mut there = runs(text, gap.text, size);
    there.sort_unstable();
    // Most of the page is not in the text: a filter spares the search.
    let mut filter = vec![0u64; 1024];
    let slot = |hash: u32| ((hash >> 16) as usize / 64, hash >> 16 & 63);
    for &(hash, _) in &there {
        let (word, bit) = slot(hash);
        filter[word] |= 1 << bit;
    }
    let mut here = runs(page, gap.page, size);
    here.retain(|&(hash, _)| {
        let (word, bit) = slot(hash);
        filter[word] >> bit & 1 == 1
    });
    here.sort_unstable();
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < here.len() && j < there.len() {
        let hash = here[i].0;
        if hash != there[j].0 {
            if hash < there[j].0 {
                i += 1;
            } else {
                j += 1;
            }
            continue;
        }
        let same = |list: &[(u32, u32)], at: usize| {
            list[at..].iter().take_while(|(other, _)| *other == hash).count()
        };
        let (ours, theirs) = (same(&here, i), same(&there, j));
        let (a, b) = (here[i].1 as usize, there[j].1 as usize);
        if ours == 1 && theirs == 1 && page[a..a + size] == text[b..b + size] {
            pairs.push((a as u32, b as u32));
        }
        i += ours;
        j += theirs;
    }
    pairs.sort_unstable();
    increasing(&pairs)
}

/// The longest part of `pairs` whose second numbers rise.
fn increasing(pairs: &[(u32, u32)]) -> Vec<(u32, u32)> {
    // For each length the pair that ends such a part with the smallest number.
    let mut tails: Vec<usize> = Vec::new();
    let mut before = vec![usize::MAX; pairs.len()];
    for (at, pair) in pairs.iter().enumerate() {
        let length = tails.partition_point(|&tail| pairs[tail].1 < pair.1);
        if length > 0 {
            before[at] = tails[length - 1];
        }
        if length == tails.len() {
            tails.push(at);
        } else {
            tails[length] = at;
        }
    }
    let mut found = Vec::with_capacity(tails.len());
    let mut at = tails.last().copied().unwrap_or(usize::MAX);
    while at != usize::MAX {
        found.push(pairs[at]);
        at = before[at];
    }
    found.reverse();
    found
}

/// Marks the anchors and puts what is between them aside.
fn split(anchors: &[(u32, u32)], gap: &Gap, size: usize, gaps: &mut Vec<Gap>, found: &mut [bool]) {
    let (mut page, mut text) = (gap.page.0, gap.text.0);
    let depth = gap.depth + 1;
    for &(a, b) in anchors {
        let (a, b) = (a as usize, b as usize);
        found[a..a + size].fill(true);
        if a > page && b > text {
            gaps.push(Gap { page: (page, a), text: (text, b), depth });
        }
        page = page.max(a + size);
        text = text.max(b + size);
    }
    if page < gap.page.1 && text < gap.text.1 {
        gaps.push(Gap { page: (page, gap.page.1), text: (text, gap.text.1), depth });
    }
}

/// Marks a longest common subsequence.
fn common(page: &[u32], text: &[u32], gap: &Gap, found: &mut [bool]) {
    let (ours, theirs) = (&page[gap.page.0..gap.page.1], &text[gap.text.0..gap.text.1]);
    let width = theirs.len() + 1;
    // How many match from each pair of places on.
    let mut best = vec![0u16; (ours.len() + 1) * width];
    for i in (0..ours.len()).rev() {
        for j in (0..theirs.len()).rev() {
            best[i * width + j] = if ours[i] == theirs[j] {
                best[(i + 1) * width + j + 1] + 1
            } else {
                best[(i + 1) * width + j].max(best[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < ours.len() && j < theirs.len() {
        if ours[i] == theirs[j] {
            found[gap.page.0 + i] = true;
            i += 1;
            j += 1;
        } else if best[(i + 1) * width + j] >= best[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
}
