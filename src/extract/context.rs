//! Numbers for the model's second look at a block: how likely the first look found it and what
//! stands around it.

use super::features::Page;

/// Blocks on both sides whose scores are looked at by themselves.
const NEAR: isize = 4;
/// Blocks on both sides whose mean score is taken.
const REACHES: [usize; 4] = [2, 5, 12, 30];
/// Containers of growing size whose mean score is taken.
const CONTAINERS: usize = 3;
/// Scores beyond this, either way, are as sure as any.
const SURE: f32 = 5.0;

/// What all second rows of a page are made from.
pub struct Context<'p, 'a> {
    page: &'p Page<'a>,
    scores: Vec<f32>,
    /// Sums before each block: of scores times characters, and of characters.
    sums: Vec<(f64, f64)>,
    likely: Option<(usize, usize)>,
    alike: Vec<f32>,
}

impl<'p, 'a> Context<'p, 'a> {
    /// Looks at the `scores` of the first look.
    pub fn new(page: &'p Page<'a>, scores: &[f32]) -> Self {
        let scores: Vec<f32> = scores.iter().map(|score| score.clamp(-SURE, SURE)).collect();
        let mut sums = vec![(0.0, 0.0)];
        let mut sum = (0.0, 0.0);
        for (at, score) in scores.iter().enumerate() {
            let chars = f64::from(page.chars(at));
            sum.0 += f64::from(*score) * chars;
            sum.1 += chars;
            sums.push(sum);
        }
        let first = scores.iter().position(|score| *score > 0.0);
        let last = scores.iter().rposition(|score| *score > 0.0);
        let mut context =
            Context { page, scores, sums, likely: first.zip(last), alike: Vec::new() };
        context.alike = context.of_alike();
        context
    }

    /// The mean score by characters.
    fn mean(&self, from: usize, end: usize) -> f32 {
        let (before, upto) = (self.sums[from], self.sums[end]);
        if upto.1 > before.1 { ((upto.0 - before.0) / (upto.1 - before.1)) as f32 } else { -SURE }
    }

    /// Of each block, the mean score of those alike.
    fn of_alike(&self) -> Vec<f32> {
        let mut means = vec![(0.0f64, 0.0f64); self.page.len()];
        for at in 0..self.page.len() {
            let group = self.page.group(at);
            let chars = f64::from(self.page.chars(at));
            means[group].0 += f64::from(self.scores[at]) * chars;
            means[group].1 += chars;
        }
        let of = |at| {
            let (sum, chars) = means[self.page.group(at)];
            if chars > 0.0 { (sum / chars) as f32 } else { -SURE }
        };
        (0..self.page.len()).map(of).collect()
    }

    /// Appends the numbers of a block.
    pub fn row(&self, at: usize, row: &mut Vec<f32>) {
        let count = self.page.len();
        for distance in -NEAR..=NEAR {
            let other = at.checked_add_signed(distance).filter(|&other| other < count);
            row.push(other.map_or(-2.0 * SURE, |other| self.scores[other]));
        }
        for reach in REACHES {
            row.push(self.mean(at.saturating_sub(reach), at));
            row.push(self.mean(at + 1, (at + reach + 1).min(count)));
        }
        let (mut blocks, mut found) = (1, 0);
        for element in self.page.outline().around(at) {
            let (from, end) = (element.blocks.0 as usize, element.blocks.1 as usize);
            if end - from > blocks {
                blocks = end - from;
                row.push(self.mean(from, end));
                found += 1;
                if found == CONTAINERS {
                    break;
                }
            }
        }
        row.extend(std::iter::repeat_n(-2.0 * SURE, CONTAINERS - found));
        let (first, last) = self.likely.unwrap_or((count, 0));
        row.extend([
            self.alike[at],
            self.mean(0, count),
            at as f32 - first as f32,
            at as f32 - last as f32,
            self.page.chars(at) as f32,
            self.page.kept()[at],
            count as f32,
        ]);
        self.page.of_text(at, row);
    }
}
