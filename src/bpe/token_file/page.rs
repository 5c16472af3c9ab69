//! The pages of a token shard: levels as runs, ids byte by byte, zstd.

use super::thrift::{Struct, varint};
use crate::bpe::encode::Id;

/// Parquet's numbers for what a page holds; source: apache/parquet-format `parquet.thrift`.
pub(super) const PLAIN: i32 = 0;
pub(super) const RLE: i32 = 3;
pub(super) const BYTE_STREAM_SPLIT: i32 = 9;

/// The level at which an id stands: below the list and its element, none of which is ever null.
const DEFINED: u8 = 2;

/// The content of a page with the ids from `from` on, rows beginning at `starts` (ascending).
///
/// Repetition levels (0 where a row begins, else 1), definition levels (all the same), then the
/// ids as 32-bit numbers, all lowest bytes first, as BYTE_STREAM_SPLIT asks for.
pub(super) fn ids_page<T: Id>(page: &mut Vec<u8>, ids: &[T], from: usize, starts: &[usize]) {
    page.clear();
    levels(page, |levels| {
        let mut at = 0;
        let first = starts.partition_point(|&start| start < from);
        for start in starts[first..].iter().map(|start| start - from) {
            if start >= ids.len() {
                break;
            }
            run(levels, start - at, 1);
            run(levels, 1, 0);
            at = start + 1;
        }
        run(levels, ids.len() - at, 1);
    });
    levels(page, |levels| run(levels, ids.len(), DEFINED));
    let n = ids.len();
    let start = page.len();
    page.resize(start + 4 * n, 0);
    let (low, rest) = page[start..].split_at_mut(n);
    let (second, rest) = rest.split_at_mut(n);
    for ((low, second), id) in low.iter_mut().zip(second).zip(ids) {
        *low = id.get() as u8;
        *second = (id.get() >> 8) as u8;
    }
    if size_of::<T>() > 2 {
        let (third, fourth) = rest.split_at_mut(n);
        for ((third, fourth), id) in third.iter_mut().zip(fourth).zip(ids) {
            *third = (id.get() >> 16) as u8;
            *fourth = (id.get() >> 24) as u8;
        }
    }
}

/// Appends levels behind their length in bytes.
fn levels(page: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = page.len();
    page.extend([0; 4]);
    write(page);
    let len = (page.len() - start - 4) as u32;
    page[start..start + 4].copy_from_slice(&len.to_le_bytes());
}

/// Appends a run of one level, which takes at most 8 bits.
fn run(levels: &mut Vec<u8>, len: usize, level: u8) {
    if len > 0 {
        varint(levels, (len as u64) << 1);
        levels.push(level);
    }
}

/// The header of a data page of `values` values.
pub(super) fn header(values: usize, encoding: i32, size: usize, compressed: usize) -> Vec<u8> {
    let data = Struct::default().i32(1, values as i32).i32(2, encoding).i32(3, RLE).i32(4, RLE);
    let page = Struct::default().i32(1, 0).i32(2, size as i32).i32(3, compressed as i32);
    page.structure(5, data).finish()
}
