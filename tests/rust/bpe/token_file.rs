//! Token shards read back by a reader of their few encodings, written here from the specifications:
//! apache/parquet-format `parquet.thrift` and `Encodings.md`, Thrift's compact protocol.

use crate::support::{Folder, Random, column};
use std::collections::BTreeMap;
use std::path::Path;
use webtext::Error;
use webtext::bpe::encode::Id;
use webtext::bpe::token_file::GROUP_TOKENS;
use webtext::bpe::vocabulary::{Added, Merges};
use webtext::bpe::{Encoder, Pattern, Texts, TokenWriter, Vocabulary};

const END: u32 = 256;

/// Each byte is a token of its own number, so the ids of a text are its bytes.
fn bytes_encoder() -> Encoder {
    Encoder::new(Vocabulary {
        tokens: (0..=255u8).map(|byte| Some([byte].into())).collect(),
        merges: Merges::Listed(Vec::new()),
        added: vec![Added::special(("<|endoftext|>".into(), END))],
        pattern: Pattern::Gpt2,
        whole_first: false,
    })
}

/// A value of Thrift's compact protocol.
#[derive(Clone, Debug, PartialEq)]
enum Thrift {
    Boolean(bool),
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Thrift>),
    Struct(BTreeMap<i64, Thrift>),
}

impl Thrift {
    fn field(&self, id: i64) -> &Thrift {
        let Thrift::Struct(fields) = self else { panic!("{self:?} is no struct") };
        fields.get(&id).unwrap_or_else(|| panic!("no field {id} in {fields:?}"))
    }

    fn has(&self, id: i64) -> bool {
        matches!(self, Thrift::Struct(fields) if fields.contains_key(&id))
    }

    fn number(&self, id: i64) -> i64 {
        let Thrift::Number(number) = self.field(id) else { panic!("field {id} is no number") };
        *number
    }

    fn text(&self, id: i64) -> &str {
        let Thrift::Bytes(bytes) = self.field(id) else { panic!("field {id} is no text") };
        std::str::from_utf8(bytes).unwrap()
    }

    fn list(&self, id: i64) -> &[Thrift] {
        let Thrift::List(values) = self.field(id) else { panic!("field {id} is no list") };
        values
    }
}

/// Bytes being read from the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn zigzag(&mut self) -> i64 {
        let value = self.varint();
        (value >> 1) as i64 ^ -((value & 1) as i64)
    }

    fn u32(&mut self) -> usize {
        u32::from_le_bytes(self.take(4).try_into().unwrap()) as usize
    }

    fn value(&mut self, kind: u8) -> Thrift {
        match kind {
            3 => Thrift::Number(i64::from(self.byte() as i8)),
            4..=6 => Thrift::Number(self.zigzag()),
            8 => {
                let length = self.varint() as usize;
                Thrift::Bytes(self.take(length).to_vec())
            }
            9 => {
                let head = self.byte();
                let length = if head >> 4 == 15 { self.varint() } else { u64::from(head >> 4) };
                Thrift::List((0..length).map(|_| self.value(head & 15)).collect())
            }
            12 => self.structure(),
            other => panic!("no type {other}"),
        }
    }

    fn structure(&mut self) -> Thrift {
        let mut fields = BTreeMap::new();
        let mut id = 0;
        loop {
            let head = self.byte();
            if head == 0 {
                return Thrift::Struct(fields);
            }
            id = if head >> 4 == 0 { self.zigzag() } else { id + i64::from(head >> 4) };
            let value = match head & 15 {
                1 => Thrift::Boolean(true),
                2 => Thrift::Boolean(false),
                kind => self.value(kind),
            };
            assert!(fields.insert(id, value).is_none(), "field {id} twice");
        }
    }

    /// Levels of a page: their length, then runs of one level each.
    fn levels(&mut self, count: usize) -> Vec<u8> {
        let length = self.u32();
        let mut runs = Cursor(self.take(length));
        let mut levels = Vec::new();
        while !runs.0.is_empty() {
            let head = runs.varint();
            assert_eq!(head & 1, 0, "bit-packed levels, which this file has not");
            levels.resize(levels.len() + (head >> 1) as usize, runs.byte());
        }
        assert_eq!(levels.len(), count);
        levels
    }
}

/// What a column of a row group holds: each page's values and content.
fn pages(file: &[u8], chunk: &Thrift, encoding: i64) -> Vec<(usize, Vec<u8>)> {
    let facts = chunk.field(3);
    assert_eq!(facts.number(4), 6, "zstd");
    let (start, size) = (facts.number(9) as usize, facts.number(7) as usize);
    let mut cursor = Cursor(&file[start..start + size]);
    let (mut found, mut values, mut bytes) = (Vec::new(), 0, 0);
    while !cursor.0.is_empty() {
        let before = cursor.0.len();
        let header = cursor.structure();
        bytes += before - cursor.0.len() + header.number(2) as usize;
        let data = header.field(5);
        assert_eq!((header.number(1), data.number(2)), (0, encoding), "a data page");
        assert_eq!((data.number(3), data.number(4)), (3, 3), "levels as runs");
        let packed = cursor.take(header.number(3) as usize);
        let page = zstd::bulk::decompress(packed, header.number(2) as usize).unwrap();
        assert_eq!(page.len() as i64, header.number(2));
        values += data.number(1) as usize;
        found.push((data.number(1) as usize, page));
    }
    assert_eq!((values, bytes), (facts.number(5) as usize, facts.number(6) as usize));
    found
}

type Rows = Vec<(String, Vec<u32>)>;

/// The rows of a shard, those of each row group, and the footer.
fn read(path: &Path) -> (Vec<Rows>, Thrift) {
    let file = std::fs::read(path).unwrap();
    assert_eq!((&file[..4], &file[file.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let end = file.len() - 8;
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap()) as usize;
    let mut cursor = Cursor(&file[end - length..end]);
    let footer = cursor.structure();
    assert!(cursor.0.is_empty(), "bytes behind the footer");
    let mut groups = Vec::new();
    let mut at = 4;
    for group in footer.list(4) {
        let [names, ids] = group.list(1) else { panic!("two columns expected") };
        // Nothing lies between the chunks, so nothing is left out.
        for chunk in [names, ids] {
            assert_eq!(chunk.field(3).number(9), at);
            at += chunk.field(3).number(7);
        }
        let sum = |id| names.field(3).number(id) + ids.field(3).number(id);
        assert_eq!((group.number(2), group.number(6)), (sum(6), sum(7)));
        let mut rows: Rows = Vec::new();
        for (count, page) in pages(&file, names, 0) {
            let mut cursor = Cursor(&page);
            for _ in 0..count {
                let length = cursor.u32();
                rows.push((String::from_utf8(cursor.take(length).to_vec()).unwrap(), Vec::new()));
            }
            assert!(cursor.0.is_empty());
        }
        let mut row = 0;
        for (count, page) in pages(&file, ids, 9) {
            let mut cursor = Cursor(&page);
            let repeated = cursor.levels(count);
            assert_eq!(cursor.levels(count), vec![2; count], "an id is missing or null");
            assert_eq!(cursor.0.len(), 4 * count);
            for (place, level) in repeated.into_iter().enumerate() {
                row += usize::from(level == 0);
                let planes = [0, 1, 2, 3].map(|plane| cursor.0[plane * count + place]);
                rows[row - 1].1.push(u32::from_le_bytes(planes));
            }
        }
        assert_eq!((row, rows.len() as i64), (rows.len(), group.number(3)));
        groups.push(rows);
    }
    assert_eq!(at as usize, end - length);
    (groups, footer)
}

fn write<T: Id>(path: &Path, batches: &[Vec<(String, Vec<u8>)>]) -> (u64, u64) {
    let encoder = bytes_encoder();
    let mut writer = TokenWriter::<T>::new(path).unwrap();
    for batch in batches {
        let (names, texts): (Vec<_>, Vec<_>) = batch.iter().cloned().unzip();
        let (names, texts) = (column(&names), column(&texts));
        let names = Texts { data: &names.1, offsets: &names.0 };
        let texts = Texts { data: &texts.1, offsets: &texts.0 };
        writer.append(&encoder, names, texts, END, 1, &mut || true).unwrap();
    }
    writer.finish(&[("key".into(), "välue".into()), ("empty".into(), String::new())]).unwrap()
}

fn wanted(batches: &[Vec<(String, Vec<u8>)>]) -> Rows {
    let ids = |text: &[u8]| std::iter::once(END).chain(text.iter().map(|&b| b.into())).collect();
    batches.iter().flatten().map(|(name, text)| (name.clone(), ids(text))).collect()
}

/// Rows of `sizes` bytes, with names of any length.
fn rows(random: &mut Random, sizes: impl IntoIterator<Item = usize>) -> Vec<(String, Vec<u8>)> {
    sizes
        .into_iter()
        .map(|size| {
            let name = "né".repeat(random.below(70) as usize);
            (name, (0..size).map(|_| random.below(256) as u8).collect())
        })
        .collect()
}

fn check<T: Id>(name: &str, batches: &[Vec<(String, Vec<u8>)>]) {
    let folder = Folder::new(name);
    let path = folder.0.join("tokens.parquet");
    let counted = write::<T>(&path, batches);
    let (groups, footer) = read(&path);
    let wanted = wanted(batches);
    let tokens: usize = wanted.iter().map(|row| row.1.len()).sum();
    assert_eq!(counted, (wanted.len() as u64, tokens as u64));
    assert_eq!(footer.number(3), wanted.len() as i64);
    // A group ends with the row that fills it, and not before.
    for group in &groups[..groups.len().saturating_sub(1)] {
        let before: usize = group[..group.len() - 1].iter().map(|row| row.1.len()).sum();
        assert!(before < GROUP_TOKENS && before + group[group.len() - 1].1.len() >= GROUP_TOKENS);
    }
    assert!(groups.into_iter().flatten().eq(wanted));
    let metadata: Vec<(&str, &str)> =
        footer.list(5).iter().map(|pair| (pair.text(1), pair.text(2))).collect();
    assert_eq!(metadata, [("key", "välue"), ("empty", "")]);
}

#[test]
fn rows_are_read_back() {
    let mut random = Random::new(20);
    let empty: Vec<Vec<(String, Vec<u8>)>> = Vec::new();
    check::<u16>("tokens-rows", &empty);
    check::<u16>("tokens-rows", &[Vec::new()]);
    for round in 0..12 {
        let batches: Vec<_> = (0..random.below(4))
            .map(|_| {
                let sizes: Vec<usize> = (0..random.below(200))
                    .map(|_| if random.below(3) == 0 { 0 } else { random.below(400) as usize })
                    .collect();
                rows(&mut random, sizes)
            })
            .collect();
        if round % 2 == 0 {
            check::<u16>("tokens-rows", &batches)
        } else {
            check::<u32>("tokens-rows", &batches)
        }
    }
}

#[test]
fn groups_and_pages_are_cut_where_they_should_be() {
    let mut random = Random::new(21);
    // A row is its text and one id: groups that end exactly, one short, one over, and one row that
    // takes several pages and stands between short ones.
    let full = GROUP_TOKENS - 1;
    check::<u16>(
        "tokens-groups",
        &[rows(&mut random, [full, 3]), rows(&mut random, [full - 1, 0, 7])],
    );
    check::<u32>("tokens-groups", &[rows(&mut random, [full + 1, 5, 5 << 20, 0, 9, full - 5])]);
    let short: Vec<usize> = (0..30_000).map(|_| random.below(150) as usize).collect();
    check::<u16>("tokens-groups", &[rows(&mut random, short)]);
}

#[test]
fn the_schema_is_that_of_two_columns_without_nulls() {
    let folder = Folder::new("tokens-schema");
    let path = folder.0.join("tokens.parquet");
    for (bits, converted) in [(16, 12), (32, 13)] {
        let batches = [vec![("a".to_owned(), b"text".to_vec())]];
        if bits == 16 {
            write::<u16>(&path, &batches)
        } else {
            write::<u32>(&path, &batches)
        };
        let (_, footer) = read(&path);
        let elements = footer.list(2);
        let names: Vec<&str> = elements.iter().map(|element| element.text(4)).collect();
        assert_eq!(names, ["schema", "doc_id", "tokens", "list", "element"]);
        let repetition: Vec<i64> = elements[1..].iter().map(|element| element.number(3)).collect();
        assert_eq!(repetition, [0, 0, 2, 1], "required, required, repeated, optional");
        let [_, name, list, _, id] = elements else { panic!("five elements") };
        assert_eq!((name.number(1), name.number(6)), (6, 0), "UTF-8");
        assert!(name.field(10).has(1), "a string");
        assert_eq!((list.number(6), list.number(5)), (3, 1), "a list");
        assert!(list.field(10).has(3));
        assert_eq!((id.number(1), id.number(6)), (1, converted));
        let width = id.field(10).field(10);
        assert_eq!(width.number(1), bits);
        assert_eq!(width.field(2), &Thrift::Boolean(false), "unsigned");
        assert!(footer.text(6).starts_with("webtext version "));
    }
}

#[test]
fn batches_change_nothing() {
    let folder = Folder::new("tokens-batches");
    let all = rows(&mut Random::new(22), (0..4000).map(|size| size % 700));
    let (one, many) = (folder.0.join("one"), folder.0.join("many"));
    let pieces: Vec<_> = all.chunks(7).map(<[_]>::to_vec).collect();
    assert_eq!(write::<u16>(&one, &[all]), write::<u16>(&many, &pieces));
    assert!(read(&one).0.len() > 1);
    assert_eq!(std::fs::read(one).unwrap(), std::fs::read(many).unwrap());
}

#[test]
fn lists_of_any_length_are_read_back() {
    // Fifteen entries and more have another head in Thrift.
    let folder = Folder::new("tokens-lists");
    let path = folder.0.join("tokens.parquet");
    for count in [0, 1, 14, 15, 16, 200] {
        let metadata: Vec<(String, String)> =
            (0..count).map(|place| (format!("key {place}"), "x".repeat(place))).collect();
        TokenWriter::<u16>::new(&path).unwrap().finish(&metadata).unwrap();
        let (_, footer) = read(&path);
        let found: Vec<(String, String)> =
            footer.list(5).iter().map(|pair| (pair.text(1).into(), pair.text(2).into())).collect();
        assert_eq!(found, metadata);
    }
}

#[test]
fn a_file_that_cannot_be_made_is_an_io_error() {
    let path = Path::new("/no/such/folder/tokens.parquet");
    assert!(matches!(TokenWriter::<u16>::new(path), Err(Error::Io { .. })));
}
