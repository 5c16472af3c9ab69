//! What tests of several modules need.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Instant;

/// A folder of its own for a test, gone behind it.
pub struct Folder(pub PathBuf);

impl Folder {
    /// `name` is the test's alone.
    pub fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("webtext-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A file in it with these numbers, little-endian.
    pub fn numbers(&self, name: &str, numbers: impl IntoIterator<Item = u64>) -> PathBuf {
        let path = self.0.join(name);
        let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Texts one after the other, and where each begins and the last ends.
pub fn column(texts: &[impl AsRef<[u8]>]) -> (Vec<i64>, Vec<u8>) {
    let mut offsets = vec![0];
    let mut data = Vec::new();
    for text in texts {
        data.extend_from_slice(text.as_ref());
        offsets.push(data.len() as i64);
    }
    (offsets, data)
}

/// A small, fixed generator of random numbers, so that a failure can be repeated.
pub struct Random(u64);

impl Random {
    /// Numbers that depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// A number below `limit` (splitmix64).
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// CPU seconds of this thread, which other processes do not lengthen; where the system does not tell,
/// seconds by the clock.
pub fn cpu_seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
    nanoseconds
        .map_or_else(|| START.get_or_init(Instant::now).elapsed().as_secs_f64(), |ns| ns / 1e9)
}
