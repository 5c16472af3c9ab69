//! Token shards: Parquet files of one fixed shape, written straight from the encoder's ids.
//!
//! Two columns without nulls, `doc_id` (string) and `tokens` (list of uint16 or uint32, no row
//! empty), zstd, ids in BYTE_STREAM_SPLIT. A general writer spends more time on the levels of each
//! id, of which there are two runs a row, than zstd spends on the ids: the same file costs the
//! `parquet` crate 1.8 times the CPU and pyarrow 2.2 times, each with its best settings, and 1.5 and
//! 1.9 times in rows of 200 characters (`benches/record/token_peers.json`). Not here: reading, which
//! is left to Parquet libraries, statistics, and any other schema.

mod page;
mod thrift;

use super::encode::{Encoder, Id};
use super::units::Texts;
use crate::{Error, Result};
use page::{BYTE_STREAM_SPLIT, PLAIN, RLE};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use thrift::Struct;

/// Ids of a row group, which ends with the row that reaches them (our choice: a few MB, enough for
/// zstd, little enough to be read whole).
pub const GROUP_TOKENS: usize = 1 << 20;

/// Ids of a page at most: a row group is one page unless its last row is huge.
const PAGE_TOKENS: usize = 2 << 20;

/// zstd's level: the ids of a byte plane hardly repeat, so higher ones cost twice the time for 5%.
const LEVEL: i32 = 1;

const MAGIC: &[u8; 4] = b"PAR1";

/// A token shard being written; it is whole after `finish`.
pub struct TokenWriter<T> {
    path: PathBuf,
    file: File,
    position: u64,
    compressor: zstd::bulk::Compressor<'static>,
    /// Rows that no row group holds yet: their ids, their ends among these, their `doc_id`s as
    /// Parquet writes them and the ends of those.
    ids: Vec<T>,
    ends: Vec<i64>,
    names: Vec<u8>,
    name_ends: Vec<usize>,
    groups: Vec<Group>,
    rows: u64,
    tokens: u64,
    page: Vec<u8>,
    compressed: Vec<u8>,
    /// Whether a call stopped in the middle, so that rows and ids may not belong together.
    broken: bool,
}

/// What the footer says of a row group.
struct Group {
    rows: usize,
    columns: [Chunk; 2],
}

/// What the footer says of a column of a row group.
#[derive(Default)]
struct Chunk {
    offset: u64,
    values: usize,
    size: usize,
    compressed: usize,
}

impl<T: Id> TokenWriter<T> {
    /// Begins a file at `path`.
    ///
    /// # Errors
    /// `Error::Io`.
    pub fn new(path: &Path) -> Result<Self> {
        let failed = |source| Error::io(path, source);
        let mut file = File::create(path).map_err(failed)?;
        file.write_all(MAGIC).map_err(failed)?;
        Ok(TokenWriter {
            path: path.to_owned(),
            file,
            position: MAGIC.len() as u64,
            compressor: zstd::bulk::Compressor::new(LEVEL).map_err(failed)?,
            ids: Vec::new(),
            ends: vec![0],
            names: Vec::new(),
            name_ends: Vec::new(),
            groups: Vec::new(),
            rows: 0,
            tokens: 0,
            page: Vec::new(),
            compressed: Vec::new(),
            broken: false,
        })
    }

    /// Encodes texts, each behind `prefix`, and appends a row for each under its `doc_id`.
    ///
    /// # Errors
    /// As of `Encoder::encode_batch`; `Error::InvalidParameter` for a row of 2^31 ids or more, which
    /// no list column holds, and for `doc_id`s that no page holds; `Error::Io`. After an error the
    /// file cannot be finished.
    pub fn append(
        &mut self,
        encoder: &Encoder,
        doc_ids: Texts<'_>,
        texts: Texts<'_>,
        prefix: u32,
        threads: usize,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        assert_eq!(doc_ids.len(), texts.len(), "one doc_id a text");
        self.begin()?;
        let (ids, ends) = (&mut self.ids, &mut self.ends);
        encoder.encode_more(texts, Some(prefix), false, threads, keep_going, ids, ends)?;
        for row in 0..doc_ids.len() {
            let name = doc_ids.get(row);
            self.names.extend((name.len() as u32).to_le_bytes());
            self.names.extend_from_slice(name);
            self.name_ends.push(self.names.len());
        }
        // Groups are cut off the front, and what is left moves there.
        let (mut row, mut from) = (0, 0);
        while let Some(more) = self.full_group(row) {
            self.write_group(row, row + more)?;
            row += more;
            from = self.ends[row] as usize;
        }
        if row > 0 {
            let names = self.name_ends[row - 1];
            self.ids.drain(..from);
            self.ends.drain(..row);
            self.ends.iter_mut().for_each(|end| *end -= from as i64);
            self.names.drain(..names);
            self.name_ends.drain(..row);
            self.name_ends.iter_mut().for_each(|end| *end -= names);
        }
        self.broken = false;
        Ok(())
    }

    /// Marks the file as broken until the call that asks has ended well.
    fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(Error::InvalidParameter(format!(
                "`{}` cannot be continued: writing it failed before; begin it again",
                self.path.display()
            )));
        }
        Ok(())
    }

    /// How many rows from `row` on fill a row group, if they do.
    fn full_group(&self, row: usize) -> Option<usize> {
        let ends = &self.ends[row..];
        let full = ends.partition_point(|end| end - ends[0] < GROUP_TOKENS as i64);
        (full < ends.len()).then_some(full)
    }

    /// Writes the rows `[first, last)` as a row group.
    fn write_group(&mut self, first: usize, last: usize) -> Result<()> {
        let starts: Vec<usize> = self.ends[first..last].iter().map(|&end| end as usize).collect();
        let (from, to) = (starts[0], self.ends[last] as usize);
        let long = |ends: &[i64]| ends[1] - ends[0] >= 1 << 31;
        if let Some(row) = self.ends[first..=last].windows(2).position(long) {
            return Err(Error::InvalidParameter(format!(
                "document {} of the file has 2^31 tokens or more, which no list holds",
                self.rows + row as u64
            )));
        }
        let names_from = if first == 0 { 0 } else { self.name_ends[first - 1] };
        let names = names_from..self.name_ends[last - 1];
        let mut page = std::mem::take(&mut self.page);
        page.clear();
        page.extend_from_slice(&self.names[names]);
        let mut of_names = Chunk { offset: self.position, ..Chunk::default() };
        self.write_page(&page, last - first, PLAIN, &mut of_names)?;
        let mut of_ids = Chunk { offset: self.position, ..Chunk::default() };
        let ids = std::mem::take(&mut self.ids);
        for at in (from..to).step_by(PAGE_TOKENS) {
            let part = &ids[at..to.min(at + PAGE_TOKENS)];
            page::ids_page(&mut page, part, at, &starts);
            self.write_page(&page, part.len(), BYTE_STREAM_SPLIT, &mut of_ids)?;
        }
        (self.ids, self.page) = (ids, page);
        self.rows += (last - first) as u64;
        self.tokens += (to - from) as u64;
        self.groups.push(Group { rows: last - first, columns: [of_names, of_ids] });
        Ok(())
    }

    fn write_page(
        &mut self,
        page: &[u8],
        values: usize,
        encoding: i32,
        chunk: &mut Chunk,
    ) -> Result<()> {
        let failed = |source| Error::io(&self.path, source);
        let bound = zstd::zstd_safe::compress_bound(page.len());
        if i32::try_from(bound).is_err() {
            return Err(Error::InvalidParameter(format!(
                "{values} values of a row group take {} bytes; a page holds 2 GiB",
                page.len()
            )));
        }
        self.compressed.clear();
        self.compressed.reserve(bound);
        self.compressor.compress_to_buffer(page, &mut self.compressed).map_err(failed)?;
        let header = page::header(values, encoding, page.len(), self.compressed.len());
        self.file.write_all(&header).map_err(failed)?;
        self.file.write_all(&self.compressed).map_err(failed)?;
        self.position += (header.len() + self.compressed.len()) as u64;
        chunk.values += values;
        chunk.size += header.len() + page.len();
        chunk.compressed += header.len() + self.compressed.len();
        Ok(())
    }

    /// Writes what is left and the footer with `metadata`; returns how many rows and ids the file
    /// has. The caller flushes it to the disk.
    ///
    /// # Errors
    /// As of `append`.
    pub fn finish(mut self, metadata: &[(String, String)]) -> Result<(u64, u64)> {
        self.begin()?;
        if self.ends.len() > 1 {
            self.write_group(0, self.ends.len() - 1)?;
        }
        let pair = |(key, value): &(String, String)| Struct::default().text(1, key).text(2, value);
        let footer = Struct::default()
            .i32(1, 2)
            .structures(2, schema(size_of::<T>()))
            .i64(3, self.rows as i64)
            .structures(4, self.groups.iter().map(Group::facts).collect())
            .structures(5, metadata.iter().map(pair).collect())
            .text(6, concat!("webtext version ", env!("CARGO_PKG_VERSION")))
            .finish();
        let len = (footer.len() as u32).to_le_bytes();
        let end = [&footer[..], &len, MAGIC].concat();
        self.file.write_all(&end).map_err(|source| Error::io(&self.path, source))?;
        Ok((self.rows, self.tokens))
    }
}

const INT32: i32 = 1;
const BYTE_ARRAY: i32 = 6;
const ZSTD: i32 = 6;

/// The schema elements: root, `doc_id`, and `tokens` in Parquet's three levels of a list.
fn schema(bytes: usize) -> Vec<Struct> {
    let (required, optional, repeated) = (0, 1, 2);
    let empty = Struct::default;
    let bits = 8 * bytes as u8;
    let unsigned = empty().structure(10, empty().byte(1, bits).boolean(2, false));
    // Converted types: UTF8, LIST, UINT_16 or UINT_32, for readers that know no logical ones.
    let (utf8, list, number) = (0, 3, if bytes == 2 { 12 } else { 13 });
    vec![
        empty().text(4, "schema").i32(5, 2),
        empty()
            .i32(1, BYTE_ARRAY)
            .i32(3, required)
            .text(4, "doc_id")
            .i32(6, utf8)
            .structure(10, empty().structure(1, empty())),
        empty()
            .i32(3, required)
            .text(4, "tokens")
            .i32(5, 1)
            .i32(6, list)
            .structure(10, empty().structure(3, empty())),
        empty().i32(3, repeated).text(4, "list").i32(5, 1),
        empty()
            .i32(1, INT32)
            .i32(3, optional)
            .text(4, "element")
            .i32(6, number)
            .structure(10, unsigned),
    ]
}

impl Group {
    fn facts(&self) -> Struct {
        let [names, ids] = &self.columns;
        let columns = vec![
            names.facts(BYTE_ARRAY, &[PLAIN], &["doc_id"]),
            ids.facts(INT32, &[RLE, BYTE_STREAM_SPLIT], &["tokens", "list", "element"]),
        ];
        Struct::default()
            .structures(1, columns)
            .i64(2, (names.size + ids.size) as i64)
            .i64(3, self.rows as i64)
            .i64(5, names.offset as i64)
            .i64(6, (names.compressed + ids.compressed) as i64)
    }
}

impl Chunk {
    fn facts(&self, kind: i32, encodings: &[i32], path: &[&str]) -> Struct {
        let facts = Struct::default()
            .i32(1, kind)
            .i32s(2, encodings)
            .texts(3, path)
            .i32(4, ZSTD)
            .i64(5, self.values as i64)
            .i64(6, self.size as i64)
            .i64(7, self.compressed as i64)
            .i64(9, self.offset as i64);
        Struct::default().i64(2, 0).structure(3, facts)
    }
}
