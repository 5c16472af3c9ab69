//! How many distinct keys there are, in 64 KiB: HyperLogLog with Ertl's estimator.

use crate::{Error, Result};

const BITS: u32 = 16;
/// Bytes of a sketch: one register each.
pub const REGISTERS: usize = 1 << BITS;
/// Standard error of the estimate relative to it, 0.41 %: 1.04 / sqrt(registers).
/// Source: Flajolet et al. 2007.
pub const STANDARD_ERROR: f64 = 1.04 / 256.0;

/// A HyperLogLog sketch of 64-bit keys. The same keys give the same sketch in any order and cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Sketch {
    registers: Vec<u8>,
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch { registers: vec![0; REGISTERS] }
    }
}

impl Sketch {
    /// Takes up a key, whose bits must be uniform.
    #[inline(always)]
    pub fn add(&mut self, key: u64) {
        // The low bits choose the register, the high ones the rank: 1 to 49.
        let rank = ((key | (REGISTERS as u64 - 1)).leading_zeros() + 1) as u8;
        let register = &mut self.registers[key as usize & (REGISTERS - 1)];
        *register = rank.max(*register);
    }

    /// The sketch of both sides' keys.
    pub fn merge(&mut self, other: &Sketch) {
        for (mine, &theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = theirs.max(*mine);
        }
    }

    /// The registers, as files hold them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.registers
    }

    /// A sketch from a file's registers.
    ///
    /// # Errors
    /// `Error::InvalidParameter` where they are not registers.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != REGISTERS || bytes.iter().any(|&rank| rank > 64 - BITS as u8 + 1) {
            return Err(Error::InvalidParameter("not a sketch of distinct n-grams".into()));
        }
        Ok(Sketch { registers: bytes.to_vec() })
    }

    /// The estimated number of distinct keys, unbiased at every size.
    ///
    /// Source: Ertl 2017, "New cardinality estimation algorithms for HyperLogLog sketches",
    /// algorithm 6.
    pub fn estimate(&self) -> f64 {
        let ranks = (64 - BITS) as usize;
        let mut counts = vec![0u32; ranks + 2];
        for &rank in &self.registers {
            counts[rank as usize] += 1;
        }
        let m = REGISTERS as f64;
        let mut z = m * tau(1.0 - counts[ranks + 1] as f64 / m);
        for rank in (1..=ranks).rev() {
            z = 0.5 * (z + counts[rank] as f64);
        }
        z += m * sigma(counts[0] as f64 / m);
        m * m / (2.0 * std::f64::consts::LN_2) / z
    }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::finish;

    #[test]
    fn estimates_lie_within_four_standard_errors() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.estimate(), 0.0);
        let mut next = 10;
        for count in 1..=3_000_000u64 {
            sketch.add(finish(count));
            sketch.add(finish(count)); // again: no difference
            if count == next {
                let error = sketch.estimate() / count as f64 - 1.0;
                assert!(error.abs() < 4.0 * STANDARD_ERROR, "{count}: {error}");
                next = next * 3 / 2;
            }
        }
    }
}
