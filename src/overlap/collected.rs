//! A thread's keys, by partition: written once into chunks of one size, never copied to grow.
//!
//! Keys go through a small stage for each partition, which stays in cache, into chunks that are cut
//! from large maps in huge pages. So a key costs no page fault of its own, and none is moved again.
//! Neighbouring partitions share maps, so that the memory of those that were read can be given back
//! while the others are still to be read: the file that is written meanwhile takes it up.

use memmap2::MmapMut;

use crate::{Error, Result};

/// Partitions: the highest byte of a key.
pub(super) const PARTITIONS: usize = 256;

const STAGE: usize = 64; // keys of a partition on their way to its chunk
const CHUNK: usize = 512; // keys in a chunk: 4 KiB
const GROUP: usize = 16; // partitions that share maps
const FIRST_SLAB: usize = 32; // chunks in a group's first map, 128 KiB; each next one has twice as many
const SLAB: usize = 4096; // chunks in a map at most: 16 MiB
const HUGE: usize = 512; // chunks in a map from which on huge pages pay: one of them
const KEY: usize = size_of::<u64>();

/// Keys by partition.
pub(super) struct Collected {
    stage: Vec<[u64; STAGE]>,
    staged: [u8; PARTITIONS],
    chunks: Vec<Vec<u32>>, // by partition, all full but the last: map * SLAB + place in the map
    filled: [u16; PARTITIONS], // keys in a partition's last chunk
    groups: Vec<Group>,
    full_stages: u64,
}

#[derive(Default)]
struct Group {
    slabs: Vec<MmapMut>,
    free: Vec<u32>, // chunks in no partition
}

impl Default for Collected {
    fn default() -> Self {
        Collected {
            stage: vec![[0; STAGE]; PARTITIONS],
            staged: [0; PARTITIONS],
            chunks: vec![Vec::new(); PARTITIONS],
            filled: [CHUNK as u16; PARTITIONS],
            groups: (0..PARTITIONS / GROUP).map(|_| Group::default()).collect(),
            full_stages: 0,
        }
    }
}

impl Group {
    #[cold]
    fn add_slab(&mut self) -> Result<u32> {
        let count = (FIRST_SLAB << self.slabs.len().min(16)).min(SLAB);
        let map = MmapMut::map_anon(count * CHUNK * KEY)
            .map_err(|error| Error::io("memory of the n-grams", error))?;
        #[cfg(target_os = "linux")]
        if count >= HUGE {
            let _ = map.advise(memmap2::Advice::HugePage); // slower without, not wrong
        }
        let first = (self.slabs.len() * SLAB) as u32;
        self.slabs.push(map);
        self.free.extend((first + 1..first + count as u32).rev());
        Ok(first)
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
        let group = &mut self.groups[partition / GROUP];
        if self.filled[partition] as usize == CHUNK {
            let chunk = match group.free.pop() {
                Some(chunk) => chunk,
                None => group.add_slab()?,
            };
            self.chunks[partition].push(chunk);
            self.filled[partition] = 0;
        }
        let chunk = self.chunks[partition].last().copied().unwrap_or(0);
        let start = self.filled[partition] as usize;
        let keys = &mut slab_mut(&mut group.slabs[chunk as usize / SLAB])[chunk as usize % SLAB];
        keys[start..start + STAGE].copy_from_slice(&self.stage[partition]);
        self.filled[partition] += STAGE as u16;
        self.staged[partition] = 0;
        self.full_stages += 1;
        Ok(())
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
        let (chunks, slabs) = (&self.chunks[partition], &self.groups[partition / GROUP].slabs);
        for (place, &chunk) in chunks.iter().enumerate() {
            let last = place + 1 == chunks.len();
            let count = if last { self.filled[partition] as usize } else { CHUNK };
            take(&slab(&slabs[chunk as usize / SLAB])[chunk as usize % SLAB][..count])?;
        }
        take(&self.stage[partition][..self.staged[partition] as usize])
    }

    /// Forgets all keys and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        for (partition, chunks) in self.chunks.iter_mut().enumerate() {
            self.groups[partition / GROUP].free.append(chunks);
        }
        self.staged = [0; PARTITIONS];
        self.filled = [CHUNK as u16; PARTITIONS];
        self.full_stages = 0;
    }

    /// Gives the memory back of partitions before `partition`, which are not to be read again.
    pub fn release_before(&mut self, partition: usize) {
        for group in &mut self.groups[..partition / GROUP] {
            *group = Group::default();
        }
    }

    /// Gives all memory back and forgets the keys.
    pub fn release(&mut self) {
        *self = Collected::default();
    }
}

fn slab(map: &MmapMut) -> &[[u64; CHUNK]] {
    // SAFETY: a map begins at a page and is of whole chunks; every bit pattern is a key.
    unsafe { std::slice::from_raw_parts(map.as_ptr().cast(), map.len() / (CHUNK * KEY)) }
}

fn slab_mut(map: &mut MmapMut) -> &mut [[u64; CHUNK]] {
    let count = map.len() / (CHUNK * KEY);
    // SAFETY: as above, and the map is borrowed mutably.
    unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast(), count) }
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
            assert!(collected.groups.iter().all(|group| group.slabs.len() == 4));
            if round == 2 {
                let last = read(&collected, 255);
                collected.release_before(250); // the group of 240 to 255 stays
                let held: Vec<_> = collected.groups.iter().map(|group| group.slabs.len()).collect();
                assert_eq!((held.iter().sum::<usize>(), held[15]), (4, 4));
                assert_eq!(read(&collected, 255), last);
                break;
            }
            collected.clear();
            assert_eq!((collected.bytes(), read(&collected, 7)), (0, Vec::new()));
        }
    }
}
