//! Columns of fields, filled row by row, in Arrow's layout.

use super::fields::{RawFields, Status};

/// Bits, lowest first, as Arrow packs booleans and validity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
    len: usize,
}

impl Bitmap {
    /// The packed bits.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the packed bits out.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bit `index`.
    pub fn get(&self, index: usize) -> bool {
        self.bytes[index / 8] >> (index % 8) & 1 == 1
    }

    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.bytes[self.len / 8] |= u8::from(bit) << (self.len % 8);
        self.len += 1;
    }
}

/// A nullable string column: row `i` is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringColumn {
    /// Rows + 1 positions.
    pub offsets: Vec<i32>,
    /// UTF-8, all rows one after the other.
    pub data: Vec<u8>,
    /// Set where the row is not null.
    pub valid: Bitmap,
}

impl Default for StringColumn {
    fn default() -> Self {
        StringColumn { offsets: vec![0], data: Vec::new(), valid: Bitmap::default() }
    }
}

impl StringColumn {
    /// Row `index`, `None` for null.
    pub fn get(&self, index: usize) -> Option<&str> {
        let range = self.offsets[index] as usize..self.offsets[index + 1] as usize;
        self.valid
            .get(index)
            .then(|| std::str::from_utf8(&self.data[range]).expect("columns are UTF-8"))
    }

    fn end_row(&mut self, valid: bool) {
        self.valid.push(valid);
        // `Batch::is_full` keeps the data far below 2 GiB.
        self.offsets.push(self.data.len() as i32);
    }
}

/// A nullable int64 column; null rows hold 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named like the parts of `StringColumn`")]
pub struct Int64Column {
    pub values: Vec<i64>,
    pub valid: Bitmap,
}

impl Int64Column {
    fn push(&mut self, value: Option<i64>) {
        self.values.push(value.unwrap_or(0));
        self.valid.push(value.is_some());
    }
}

/// A nullable boolean column; null rows hold false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named like the parts of `StringColumn`")]
pub struct BoolColumn {
    pub values: Bitmap,
    pub valid: Bitmap,
}

impl BoolColumn {
    fn push(&mut self, value: Option<bool>) {
        self.values.push(value.unwrap_or(false));
        self.valid.push(value.is_some());
    }
}

/// Bytes of a damaged line that are kept: 1,000, our choice.
const BEGINS_BYTES: usize = 1000;

/// Text of all string columns together at which a batch ends, whatever its rows: 12 MiB, our choice.
/// A normal batch of 65,536 rows has about 8; the last line may add the length of one line.
const BATCH_TEXT_BYTES: usize = 12 << 20;

/// Rows of lines, in order, a column for each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns are named as in the dumps")]
pub struct Batch {
    /// Number of the line in the file, from 0, blank lines counted.
    pub line: Vec<u64>,
    /// `Status` as a number.
    pub status: Vec<u8>,
    /// How a damaged line begins, what is no UTF-8 replaced; null for the others.
    pub begins: StringColumn,
    pub id: StringColumn,
    pub url: StringColumn,
    pub domain: StringColumn,
    pub subreddit: StringColumn,
    pub author: StringColumn,
    pub score: Int64Column,
    pub created_utc: Int64Column,
    pub is_self: BoolColumn,
    pub over_18: BoolColumn,
    pub promoted: BoolColumn,
}

impl Batch {
    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.line.len()
    }

    /// Whether the batch has `rows` rows, or as much text as one may hold.
    pub(super) fn is_full(&self, rows: usize) -> bool {
        let text = [&self.begins, &self.id, &self.url, &self.domain, &self.subreddit, &self.author]
            .map(|column| column.data.len());
        self.rows() >= rows || text.iter().sum::<usize>() >= BATCH_TEXT_BYTES
    }

    /// Appends a row with the fields of a line.
    pub(super) fn push(&mut self, line: u64, status: Status, fields: &RawFields<'_>) {
        self.line.push(line);
        self.status.push(status as u8);
        self.begins.end_row(false);
        let found = fields.id(&mut self.id.data);
        self.id.end_row(found);
        let found = fields.url(&mut self.url.data);
        self.url.end_row(found);
        let found = fields.domain(&mut self.domain.data);
        self.domain.end_row(found);
        let found = fields.subreddit(&mut self.subreddit.data);
        self.subreddit.end_row(found);
        let found = fields.author(&mut self.author.data);
        self.author.end_row(found);
        self.score.push(fields.score());
        self.created_utc.push(fields.created_utc());
        self.is_self.push(fields.is_self());
        self.over_18.push(fields.over_18());
        self.promoted.push(fields.promoted());
    }

    /// Appends a row of a damaged line, of which `text` is known: all fields null.
    pub(super) fn push_damaged(&mut self, line: u64, text: &[u8]) {
        self.line.push(line);
        self.status.push(Status::Damaged as u8);
        let known = String::from_utf8_lossy(&text[..text.len().min(BEGINS_BYTES)]);
        self.begins.data.extend_from_slice(known.as_bytes());
        self.begins.end_row(true);
        for column in
            [&mut self.id, &mut self.url, &mut self.domain, &mut self.subreddit, &mut self.author]
        {
            column.end_row(false);
        }
        self.score.push(None);
        self.created_utc.push(None);
        self.is_self.push(None);
        self.over_18.push(None);
        self.promoted.push(None);
    }
}
