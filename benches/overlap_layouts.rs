//! Bloom filter layouts at a false positive rate of 5e-9: inserts and queries a CPU second, one
//! thread; then the filter that we have, on one and on two threads. CPU seconds of the threads that
//! work, so that other load on the machine counts less.
//!
//!     cargo bench --bench overlap_layouts [-- MILLIONS]
//!
//! Keys are random, so every insert touches memory that is not in cache. Prints one JSON object.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use memmap2::MmapMut;
use webtext::bloom::{self, Block};
use webtext::hash::{SEED, finish};

/// Seconds that this thread has spent on a CPU.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds: f64 = text.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    nanoseconds / 1e9
}

fn keys(from: u64, count: usize) -> Vec<u64> {
    (0..count as u64).map(|i| finish((from + i).wrapping_mul(SEED))).collect()
}

fn memory(words: usize) -> MmapMut {
    let mut map = MmapMut::map_anon(words * 8).expect("memory for the filter");
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    map.chunks_mut(4096).for_each(|page| page[0] = 0); // faults are not what is measured
    map
}

fn multiplier(lane: usize) -> u64 {
    finish(0x5745_4254 + lane as u64) | 1
}

/// Blocks of `L` words with `B` bits in each.
#[inline(always)]
fn bits<const B: usize>(key: u64, lane: usize) -> u64 {
    let product = key.wrapping_mul(multiplier(lane));
    let mut word = 1 << (product >> 58);
    if B > 1 {
        word |= 1 << (product >> 52 & 63);
    }
    if B > 2 {
        word |= 1 << (product >> 46 & 63);
    }
    word
}

#[inline(always)]
fn prefetch<const L: usize>(filter: &[[u64; L]], place: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        for line in (0..L * 8).step_by(64) {
            let address = filter.as_ptr().wrapping_add(place) as *const i8;
            // SAFETY: a prefetch reads nothing.
            unsafe { _mm_prefetch(address.wrapping_add(line), _MM_HINT_T0) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (filter, place);
}

#[inline(always)]
fn insert<const L: usize, const B: usize>(filter: &mut [[u64; L]], keys: &[u64]) {
    let blocks = filter.len() as u64;
    for (place, &key) in keys.iter().enumerate() {
        if let Some(&ahead) = keys.get(place + 16) {
            prefetch(filter, bloom::block_of(ahead, blocks) as usize);
        }
        let block = &mut filter[bloom::block_of(key, blocks) as usize];
        for (lane, word) in block.iter_mut().enumerate() {
            *word |= bits::<B>(key, lane);
        }
    }
}

#[inline(always)]
fn query<const L: usize, const B: usize>(filter: &[[u64; L]], keys: &[u64]) -> usize {
    let blocks = filter.len() as u64;
    let mut found = 0;
    for (place, &key) in keys.iter().enumerate() {
        if let Some(&ahead) = keys.get(place + 16) {
            prefetch(filter, bloom::block_of(ahead, blocks) as usize);
        }
        let block = &filter[bloom::block_of(key, blocks) as usize];
        let missing = block
            .iter()
            .enumerate()
            .fold(0, |all, (lane, word)| all | (bits::<B>(key, lane) & !word));
        found += usize::from(missing == 0);
    }
    found
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn insert_fast<const L: usize, const B: usize>(filter: &mut [[u64; L]], keys: &[u64]) {
    insert::<L, B>(filter, keys);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn query_fast<const L: usize, const B: usize>(filter: &[[u64; L]], keys: &[u64]) -> usize {
    query::<L, B>(filter, keys)
}

fn fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512vl")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

fn layout<const L: usize, const B: usize>(
    name: &str,
    bits_a_key: f64,
    known: &[u64],
    fresh: &[u64],
) {
    let blocks = (known.len() as f64 * bits_a_key / (64 * L) as f64).ceil() as usize;
    let mut inserts = Vec::new();
    let mut queries = Vec::new();
    let mut hits = 0;
    for _ in 0..3 {
        let mut map = memory(blocks * L);
        // SAFETY: a map of that many words, page-aligned.
        let filter =
            unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast::<[u64; L]>(), blocks) };
        let start = cpu_seconds();
        #[cfg(target_arch = "x86_64")]
        if fast() {
            // SAFETY: the features are there.
            unsafe { insert_fast::<L, B>(filter, known) };
        } else {
            insert::<L, B>(filter, known);
        }
        #[cfg(not(target_arch = "x86_64"))]
        insert::<L, B>(filter, known);
        inserts.push(known.len() as f64 / (cpu_seconds() - start) / 1e6);
        assert_eq!(query::<L, B>(filter, &known[..100_000]), 100_000, "{name}: a key is lost");
        let start = cpu_seconds();
        #[cfg(target_arch = "x86_64")]
        {
            hits = if fast() {
                // SAFETY: the features are there.
                unsafe { query_fast::<L, B>(filter, fresh) }
            } else {
                query::<L, B>(filter, fresh)
            };
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            hits = query::<L, B>(filter, fresh);
        }
        queries.push(fresh.len() as f64 / (cpu_seconds() - start) / 1e6);
    }
    print(name, bits_a_key, inserts, queries, hits);
}

fn print(name: &str, bits: f64, mut inserts: Vec<f64>, mut queries: Vec<f64>, hits: usize) {
    inserts.sort_by(f64::total_cmp);
    queries.sort_by(f64::total_cmp);
    println!(
        "  {{\"layout\": \"{name}\", \"bits_a_key\": {bits}, \"insert_M_per_cpu_s\": {:.1}, \
         \"insert_best_M_per_cpu_s\": {:.1}, \"query_M_per_cpu_s\": {:.1}, \"false_positives\": {hits}}},",
        inserts[inserts.len() / 2],
        inserts[inserts.len() - 1],
        queries[queries.len() / 2],
    );
}

fn classical(known: &[u64], fresh: &[u64]) {
    let words = (known.len() as f64 * 39.8 / 64.0).ceil() as usize;
    let bits = words as u64 * 64;
    let mut map = memory(words);
    // SAFETY: a map of that many words, page-aligned.
    let filter = unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast::<u64>(), words) };
    let places = |key: u64| (0..27u64).map(move |i| finish(key.wrapping_add(i * SEED)));
    let start = cpu_seconds();
    for &key in known {
        for hash in places(key) {
            let bit = bloom::block_of(hash, bits);
            filter[bit as usize / 64] |= 1 << (bit % 64);
        }
    }
    let insert = known.len() as f64 / (cpu_seconds() - start) / 1e6;
    let start = cpu_seconds();
    let found = |key| {
        places(key).all(|hash| {
            let bit = bloom::block_of(hash, bits);
            filter[bit as usize / 64] >> (bit % 64) & 1 != 0
        })
    };
    let hits = fresh.iter().filter(|&&key| found(key)).count();
    let query = fresh.len() as f64 / (cpu_seconds() - start) / 1e6;
    print("classical, k = 27", 39.8, vec![insert], vec![query], hits);
}

fn ours(known: &[u64], fresh: &[u64], threads: usize) {
    let blocks = bloom::blocks_for(known.len() as u64, 5e-9).expect("a size") as usize;
    // As the builder hands them out: keys of a thread's own range of blocks.
    let share = blocks.div_ceil(threads);
    let mut parts = vec![Vec::new(); threads];
    for &key in known {
        parts[bloom::block_of(key, blocks as u64) as usize / share].push(key);
    }
    let mut inserts = Vec::new();
    let mut queries = Vec::new();
    let mut hits = 0;
    let mut walls = Vec::new();
    for _ in 0..5 {
        let mut map = memory(blocks * bloom::LANES);
        // SAFETY: a map of that many blocks, page-aligned.
        let filter =
            unsafe { std::slice::from_raw_parts_mut(map.as_mut_ptr().cast::<Block>(), blocks) };
        let spent = AtomicU64::new(0); // nanoseconds of all threads
        let start = Instant::now();
        std::thread::scope(|scope| {
            for (number, (part, keys)) in filter.chunks_mut(share).zip(&parts).enumerate() {
                let spent = &spent;
                scope.spawn(move || {
                    let start = cpu_seconds();
                    let first = (number * share) as u64;
                    let mut elsewhere = Vec::new();
                    bloom::insert(part, first, blocks as u64, keys, &mut elsewhere);
                    assert!(elsewhere.is_empty());
                    let nanoseconds = (cpu_seconds() - start) * 1e9;
                    spent.fetch_add(nanoseconds as u64, Ordering::Relaxed);
                });
            }
        });
        walls.push(known.len() as f64 / start.elapsed().as_secs_f64() / 1e6);
        let seconds = spent.into_inner() as f64 / 1e9;
        inserts.push(known.len() as f64 / seconds / 1e6);
        let mut found = 0;
        bloom::query(filter, known, |_| found += 1);
        assert_eq!(found, known.len(), "a key is lost");
        hits = 0;
        let start = cpu_seconds();
        bloom::query(filter, fresh, |_| hits += 1);
        queries.push(fresh.len() as f64 / (cpu_seconds() - start) / 1e6);
    }
    let bits = (blocks * 1024) as f64 / known.len() as f64;
    print(
        &format!("ours, {threads} threads"),
        (bits * 10.0).round() / 10.0,
        inserts,
        queries,
        hits,
    );
    walls.sort_by(f64::total_cmp);
    println!(
        "  {{\"layout\": \"ours, {threads} threads, by the clock\", \"insert_M_s\": {:.1}, \
         \"insert_best_M_s\": {:.1}}},",
        walls[walls.len() / 2],
        walls[walls.len() - 1]
    );
}

fn main() {
    let millions = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(40);
    let known = keys(0, millions * 1_000_000);
    let fresh = keys(1 << 40, millions * 1_000_000);
    println!("{{\"keys_M\": {millions}, \"layouts\": [");
    layout::<8, 2>("512 bits, k = 16", 71.2, &known, &fresh);
    layout::<8, 3>("512 bits, k = 24", 69.4, &known, &fresh);
    layout::<16, 1>("1024 bits, k = 16", 57.0, &known, &fresh);
    layout::<32, 1>("2048 bits, k = 32", 48.2, &known, &fresh);
    classical(&known[..known.len() / 8], &fresh[..fresh.len() / 8]);
    ours(&known, &fresh, 1);
    ours(&known, &fresh, 2);
    println!("  null]}}");
}
