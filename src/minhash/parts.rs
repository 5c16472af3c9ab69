//! Files of 64-bit numbers in parts: what one task writes for many, in one file.
//!
//! A file is chunks, one after the other. A chunk is where each part begins and the last one ends
//! (parts + 1 numbers, counted in rows from the chunk's first), then its rows of `N` numbers, part
//! after part; all little-endian.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::{Error, Result};

/// The part of a hash when all hashes are cut into `parts` ranges.
pub fn part_of(hash: u64, parts: usize) -> usize {
    ((hash as u128 * parts as u128) >> 64) as usize
}

/// Rows in order of their part, each part's in the order given, and the bounds of the parts.
pub fn arrange<const N: usize>(
    rows: &[[u64; N]],
    parts: usize,
    part: impl Fn(&[u64; N]) -> usize,
) -> (Vec<u64>, Vec<[u64; N]>) {
    let mut bounds = vec![0u64; parts + 1];
    for row in rows {
        bounds[part(row) + 1] += 1;
    }
    for place in 0..parts {
        bounds[place + 1] += bounds[place];
    }
    let mut next = bounds.clone();
    let mut arranged = vec![[0; N]; rows.len()];
    for row in rows {
        let place = &mut next[part(row)];
        arranged[*place as usize] = *row;
        *place += 1;
    }
    (bounds, arranged)
}

/// Calls `visit` with the rows of one part in each chunk of the files, in order.
///
/// # Errors
/// `Error::Io` and `Error::Format` for a file that cannot be read, is cut or has other bounds; what
/// `visit` returns.
pub fn visit_part<const N: usize>(
    files: &[impl AsRef<Path>],
    part: usize,
    parts: usize,
    mut visit: impl FnMut(&[[u64; N]]) -> Result<()>,
) -> Result<()> {
    for path in files {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| Error::io(path, error))?;
        let length = file.metadata().map_err(|error| Error::io(path, error))?.len();
        let (mut at, head) = (0, 8 * (parts as u64 + 1));
        while at < length {
            let wrong = |message: String| Error::format(path, Some(at), message);
            if at + head > length {
                return Err(wrong(format!("a chunk of {parts} parts is cut")));
            }
            let bounds = read_numbers(&file, path, at, parts + 1)?;
            let rows = bounds[parts];
            let room = (length - at - head) / (8 * N as u64);
            if bounds[0] != 0 || !bounds.is_sorted() || rows > room {
                return Err(wrong(format!("bounds of {parts} parts do not fit the file")));
            }
            let count = (bounds[part + 1] - bounds[part]) as usize;
            if count > 0 {
                let first = at + head + 8 * N as u64 * bounds[part];
                let numbers = read_numbers(&file, path, first, N * count)?;
                visit(numbers.as_chunks::<N>().0)?;
            }
            at += head + 8 * N as u64 * rows;
        }
    }
    Ok(())
}

/// All rows of one part.
///
/// # Errors
/// As [`visit_part`].
pub fn read_part<const N: usize>(
    files: &[impl AsRef<Path>],
    part: usize,
    parts: usize,
) -> Result<Vec<[u64; N]>> {
    let mut rows = Vec::new();
    visit_part(files, part, parts, |found| {
        rows.extend_from_slice(found);
        Ok(())
    })?;
    Ok(rows)
}

/// `count` numbers of a file from byte `first` on.
pub(super) fn read_numbers(file: &File, path: &Path, first: u64, count: usize) -> Result<Vec<u64>> {
    let mut numbers = vec![0u64; count];
    // SAFETY: plain numbers; any bytes are valid ones.
    let bytes = unsafe {
        std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast::<u8>(), size_of_val(&numbers[..]))
    };
    file.read_exact_at(bytes, first).map_err(|error| Error::io(path, error))?;
    for number in &mut numbers {
        *number = u64::from_le(*number);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_arranged_is_read_by_part() {
        let folder = std::env::temp_dir().join(format!("webtext-parts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.bin");
        let rows: Vec<[u64; 2]> = (0..100).map(|i| [i * 7 % 5, i]).collect();
        let mut bytes = Vec::new();
        for half in rows.chunks(50) {
            let (bounds, arranged) = arrange(half, 5, |row| row[0] as usize);
            for number in bounds.iter().chain(arranged.as_flattened()) {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        for part in 0..5 {
            let found = read_part::<2>(&[&path], part, 5).unwrap();
            let wanted: Vec<[u64; 2]> =
                rows.iter().filter(|row| row[0] as usize == part).copied().collect();
            assert_eq!(found, wanted);
        }
        std::fs::write(&path, &bytes[..bytes.len() - 8]).unwrap();
        assert!(read_part::<2>(&[&path], 0, 5).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn parts_cut_the_hashes_evenly() {
        assert_eq!((part_of(0, 3), part_of(u64::MAX, 3), part_of(1 << 63, 2)), (0, 2, 1));
    }
}
