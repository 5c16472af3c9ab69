//! A thread's keys, by partition: written once into chunks of one size, never copied to grow.
//!
//! Keys go through a small stage for each partition, which stays in cache, into chunks that are cut
//! from large maps in huge pages. So a key costs no page fault of its own, and none is moved again.

use memmap2::MmapMut;

use crate::{Error, Result};

/// Partitions: the highest byte of a key.
pub(super) const PARTITIONS: usize = 256;

const STAGE: usize = 64; // keys of a partition on their way to its chunk
const CHUNK: usize = 512; // keys in a chunk: 4 KiB
const SLAB: usize = 4096; // chunks in a map: 16 MiB
const KEY: usize = size_of::<u64>();

/// Keys by partition.
pub(super) struct Collected {
    stage: Vec<[u64; STAGE]>,
    staged: [u8; PARTITIONS],
    chunks: Vec<Vec<u32>>,     // by partition, all full but the last
    filled: [u16; PARTITIONS], // keys in a partition's last chunk
    slabs: Vec<MmapMut>,
    free: Vec<u32>, // chunks in no partition
    full_stages: u64,
}

impl Default for Collected {
    fn default() -> Self {
        Collected {
            stage: vec![[0; STAGE]; PARTITIONS],
            staged: [0; PARTITIONS],
            chunks: vec![Vec::new(); PARTITIONS],
            filled: [CHUNK as u16; PARTITIONS],
            slabs: Vec::new(),
            free: Vec::new(),
            full_stages: 0,
        }
    }
}

impl Collected {
    /// Takes up a key.
    ///
    /// # Errors
    /// `Error::Io` where the system has no more memory.
    #[inline(always)]
    pub fn push(&mut self, key: u64) -> Result<()> {
        let partition = (key >> 56) as usize;
        let place = self.staged[partition];
        self.stage[partition][place as usize % STAGE] = key;
        self.staged[partition] = place + 1;
        if place as usize + 1 == STAGE { self.empty_stage(partition) } else { Ok(()) }
    }

    #[inline(never)]
    fn empty_stage(&mut self, partition: usize) -> Result<()> {
        if self.filled[partition] as usize == CHUNK {
            let chunk = match self.free.pop() {
                Some(chunk) => chunk,
                None => self.add_slab()?,
            };
            self.chunks[partition].push(chunk);
            self.filled[partition] = 0;
        }
        let chunk = self.chunks[partition].last().copied().unwrap_or(0);
        let start = self.filled[partition] as usize;
        let keys = &mut slab_mut(&mut self.slabs[chunk as usize / SLAB])[chunk as usize % SLAB];
        keys[start..start + STAGE].copy_from_slice(&self.stage[partition]);
        self.filled[partition] += STAGE as u16;
        self.staged[partition] = 0;
        self.full_stages += 1;
        Ok(())
    }

    #[cold]
    fn add_slab(&mut self) -> Result<u32> {
        let map = MmapMut::map_anon(SLAB * CHUNK * KEY)
            .map_err(|error| Error::io("memory of the n-grams", error))?;
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage); // slower without, not wrong
        let first = (self.slabs.len() * SLAB) as u32;
        self.slabs.push(map);
        self.free.extend((first + 1..first + SLAB as u32).rev());
        Ok(first)
    }

    /// Bytes of the keys in chunks; the stages hold 128 KiB more.
    pub fn bytes(&self) -> u64 {
        self.full_stages * (STAGE * KEY) as u64
    }

    /// Calls `take` with all keys of a partition, some at a time.
    pub fn read<E>(
        &self,
        partition: usize,
        mut take: impl FnMut(&[u64]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let chunks = &self.chunks[partition];
        for (place, &chunk) in chunks.iter().enumerate() {
            let last = place + 1 == chunks.len();
            let count = if last { self.filled[partition] as usize } else { CHUNK };
            take(&slab(&self.slabs[chunk as usize / SLAB])[chunk as usize % SLAB][..count])?;
        }
        take(&self.stage[partition][..self.staged[partition] as usize])
    }

    /// Forgets all keys and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        for chunks in &mut self.chunks {
            self.free.append(chunks);
        }
        self.staged = [0; PARTITIONS];
        self.filled = [CHUNK as u16; PARTITIONS];
        self.full_stages = 0;
    }

    /// Gives the memory back.
    pub fn release(&mut self) {
        *self = Collected::default();
    }
}

fn slab(map: &MmapMut) -> &[[u64; CHUNK]] {
    // SAFETY: a map begins at a page and has SLAB chunks; every bit pattern is a key.
    unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), SLAB) }
}

fn slab_mut(map: &mut MmapMut) -> &mut [[u64; CHUNK]] {
    // SAFETY: as above, and the map is borrowed mutably.
    unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), SLAB) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::finish;

    fn read(collected: &Collected, partition: usize) -> Vec<u64> {
        let mut keys = Vec::new();
        let all = collected.read(partition, |part| {
            keys.extend_from_slice(part);
            Ok::<(), ()>(())
        });
        assert_eq!(all, Ok(()));
        keys
    }

    #[test]
    fn keys_come_back_by_partition_in_order_and_memory_is_used_again() {
        let mut collected = Collected::default();
        for round in 0..3u64 {
            let count = 2_500_000; // more than a map
            let keys: Vec<u64> = (0..count).map(|number| finish(round << 32 | number)).collect();
            keys.iter().for_each(|&key| collected.push(key).unwrap());
            let mut total = 0;
            for partition in 0..PARTITIONS {
                let found = read(&collected, partition);
                let mine = keys.iter().copied().filter(|key| key >> 56 == partition as u64);
                if partition % 51 == 0 {
                    assert_eq!(found, mine.collect::<Vec<_>>());
                }
                total += found.len();
            }
            assert_eq!(total as u64, count);
            assert!(collected.bytes() <= 8 * count && collected.bytes() > 8 * count - (128 << 10));
            assert_eq!(collected.slabs.len(), 2);
            collected.clear();
            assert_eq!((collected.bytes(), read(&collected, 7)), (0, Vec::new()));
        }
    }
}
