//! Gradient-boosted trees out of a table of numbers.
//!
//! The table is little-endian: `b"WTBF"`, then u16 numbers of features and trees; each tree has a
//! u8 count of splits `n`, `n` splits (u16 feature, f32 threshold, i8 left, i8 right) and `n + 1`
//! leaves (f32). A child from 0 on is a split, below 0 the leaf `-1 - child`; the first split is
//! the root. A feature at or below the threshold goes left.

/// One question.
#[derive(Clone, Copy, Debug)]
struct Split {
    threshold: f32,
    feature: u16,
    /// Left and right: a split of the whole forest, or a leaf's number as `-1 - leaf`.
    children: [i32; 2],
}

/// Trees whose answers are added.
#[derive(Clone, Debug, Default)]
pub struct Forest {
    features: usize,
    roots: Vec<i32>,
    splits: Vec<Split>,
    leaves: Vec<f32>,
}

/// A table that is no forest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads a table from its beginning on.
struct Reader<'a> {
    left: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (first, left) = self.left.split_first_chunk().ok_or(Malformed)?;
        self.left = left;
        Ok(*first)
    }
}

impl Forest {
    /// Reads the forest at the beginning of `table`; gives what is behind it, too.
    ///
    /// # Errors
    /// [`Malformed`] for a table that ends early, or names splits, leaves or features that it does
    /// not have; a tree in which a split leads back is one.
    pub fn read(table: &[u8]) -> Result<(Forest, &[u8]), Malformed> {
        let mut reader = Reader { left: table };
        if &reader.take()? != b"WTBF" {
            return Err(Malformed);
        }
        let features = usize::from(u16::from_le_bytes(reader.take()?));
        let trees = u16::from_le_bytes(reader.take()?);
        let mut forest = Forest { features, ..Forest::default() };
        for _ in 0..trees {
            forest.read_tree(&mut reader)?;
        }
        Ok((forest, reader.left))
    }

    fn read_tree(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let [count] = reader.take()?;
        let (first_split, first_leaf) = (self.splits.len() as i32, self.leaves.len() as i32);
        self.roots.push(if count == 0 { -1 - first_leaf } else { first_split });
        for at in 0..i32::from(count) {
            let feature = u16::from_le_bytes(reader.take()?);
            let threshold = f32::from_le_bytes(reader.take()?);
            let mut children = [0; 2];
            for child in &mut children {
                let number = i32::from(i8::from_le_bytes(reader.take()?));
                // Children come behind their parent, so every walk ends.
                let fits = if number < 0 { -1 - number <= i32::from(count) } else { number > at };
                if !fits || number >= i32::from(count) {
                    return Err(Malformed);
                }
                *child = if number < 0 { number - first_leaf } else { number + first_split };
            }
            if usize::from(feature) >= self.features || threshold.is_nan() {
                return Err(Malformed);
            }
            self.splits.push(Split { threshold, feature, children });
        }
        for _ in 0..=count {
            self.leaves.push(f32::from_le_bytes(reader.take()?));
        }
        Ok(())
    }

    /// How many numbers a row must have.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Splits of all trees.
    pub fn splits(&self) -> usize {
        self.splits.len()
    }

    /// The sum of the trees' answers for a row of numbers, tree after tree.
    ///
    /// # Panics
    /// Where the row has fewer numbers than [`Self::features`].
    pub fn score(&self, row: &[f32]) -> f64 {
        assert!(row.len() >= self.features, "a row of {} numbers", row.len());
        let mut sum = 0.0;
        for &root in &self.roots {
            let mut at = root;
            while at >= 0 {
                let split = &self.splits[at as usize];
                // Not a branch: half of them would be guessed wrong.
                let right = row[usize::from(split.feature)] > split.threshold;
                at = split.children[usize::from(right)];
            }
            sum += f64::from(self.leaves[(-1 - at) as usize]);
        }
        sum
    }
}
