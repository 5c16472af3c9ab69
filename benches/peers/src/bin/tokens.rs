//! Token shards by the `parquet` crate, with the settings that suit it best; CPU timed.
//!
//! Writes the rows of `FOLDER/ids.u16`, `ends.i64` and `names.txt` in row groups of the same rows as
//! `webtext::bpe::TokenWriter`. Prints JSON.
//!
//! Usage: tokens RUNS FOLDER

use arrow_array::types::UInt16Type;
use arrow_array::{ArrayRef, ListArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use webtext::bpe::token_file::GROUP_TOKENS;
use webtext_peers::{cpu_seconds, median};

struct Rows {
    ids: ScalarBuffer<u16>,
    ends: Vec<usize>,
    names: Vec<String>,
}

impl Rows {
    fn read(folder: &Path) -> Rows {
        let bytes = |name: &str| std::fs::read(folder.join(name)).expect("a file of the driver");
        let ids = bytes("ids.u16")
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| u16::from_le_bytes(*b))
            .collect::<Vec<_>>();
        let ends = bytes("ends.i64")
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| i64::from_le_bytes(*b) as usize)
            .collect();
        let names = String::from_utf8(bytes("names.txt")).expect("UTF-8");
        Rows { ids: ids.into(), ends, names: names.lines().map(str::to_owned).collect() }
    }

    /// Rows of each row group.
    fn groups(&self) -> Vec<Range<usize>> {
        let (mut groups, mut first) = (Vec::new(), 0);
        for row in 0..self.names.len() {
            if self.ends[row + 1] - self.ends[first] >= GROUP_TOKENS {
                groups.push(first..row + 1);
                first = row + 1;
            }
        }
        if first < self.names.len() {
            groups.push(first..self.names.len());
        }
        groups
    }

    fn batch(&self, rows: &Range<usize>, nullable: bool) -> RecordBatch {
        let from = self.ends[rows.start];
        let offsets: Vec<i32> =
            self.ends[rows.start..=rows.end].iter().map(|end| (end - from) as i32).collect();
        let values = self.ids.slice(from, self.ends[rows.end] - from);
        let item = Arc::new(Field::new("element", DataType::UInt16, nullable));
        let tokens = ListArray::new(
            Arc::clone(&item),
            OffsetBuffer::new(offsets.into()),
            Arc::new(PrimitiveArray::<UInt16Type>::new(values, None)),
            None,
        );
        let names = StringArray::from_iter_values(&self.names[rows.clone()]);
        let schema = Schema::new(vec![
            Field::new("doc_id", DataType::Utf8, false),
            Field::new("tokens", DataType::List(item), false),
        ]);
        let columns: Vec<ArrayRef> = vec![Arc::new(names), Arc::new(tokens)];
        RecordBatch::try_new(Arc::new(schema), columns).expect("columns of the schema")
    }
}

/// No dictionary, statistics or indexes; a row group's ids in one page where the writer allows.
fn properties(version: WriterVersion, batch: usize) -> WriterProperties {
    let tokens = ColumnPath::from(vec!["tokens".into(), "list".into(), "element".into()]);
    WriterProperties::builder()
        .set_writer_version(version)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).expect("a level")))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .set_encoding(Encoding::PLAIN)
        .set_column_encoding(tokens, Encoding::BYTE_STREAM_SPLIT)
        .set_data_page_size_limit(64 << 20)
        .set_data_page_row_count_limit(usize::MAX)
        .set_max_row_group_row_count(None)
        .set_write_batch_size(batch)
        .build()
}

fn by_arrow(rows: &Rows, batches: &[RecordBatch], properties: WriterProperties, path: &Path) {
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let file = File::create(path).expect("a writable folder");
    let mut writer =
        ArrowWriter::try_new_with_options(file, batches[0].schema(), options).expect("a writer");
    for batch in batches {
        writer.write(batch).expect("a row group");
        writer.flush().expect("a row group");
    }
    let metadata = writer.close().expect("a footer");
    assert_eq!(metadata.file_metadata().num_rows() as usize, rows.names.len());
}

fn by_columns(rows: &Rows, groups: &[Range<usize>], properties: WriterProperties, path: &Path) {
    let schema = parse_message_type(
        "message schema { required binary doc_id (UTF8); required group tokens (LIST) { repeated group \
         list { optional int32 element (INTEGER(16,false)); } } }",
    )
    .expect("a schema");
    let file = File::create(path).expect("a writable folder");
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).expect("a writer");
    let (mut values, mut repeated) = (Vec::new(), Vec::new());
    for group in groups {
        let mut to = writer.next_row_group().expect("a row group");
        let mut column = to.next_column().expect("a column").expect("two columns");
        let names: Vec<ByteArray> =
            rows.names[group.clone()].iter().map(|name| name.as_str().into()).collect();
        column.typed::<ByteArrayType>().write_batch(&names, None, None).expect("names");
        column.close().expect("a column");
        let mut column = to.next_column().expect("a column").expect("two columns");
        let (from, to_end) = (rows.ends[group.start], rows.ends[group.end]);
        values.clear();
        values.extend(rows.ids[from..to_end].iter().map(|&id| i32::from(id)));
        repeated.clear();
        repeated.resize(values.len(), 1i16);
        for row in group.clone() {
            repeated[rows.ends[row] - from] = 0;
        }
        let defined = vec![2i16; values.len()];
        column
            .typed::<Int32Type>()
            .write_batch(&values, Some(&defined), Some(&repeated))
            .expect("ids");
        column.close().expect("a column");
        to.close().expect("a row group");
    }
    writer.close().expect("a footer");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs: usize = arguments[0].parse().expect("a number of runs");
    let folder = Path::new(&arguments[1]);
    let rows = Rows::read(folder);
    let groups = rows.groups();
    let mut seconds: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    for turn in 0..runs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for batch in [1024, 1 << 16, 1 << 22] {
                for api in ["arrow", "arrow, element not null", "columns"] {
                    let path = folder.join(format!("{api}.parquet"));
                    let batches: Vec<RecordBatch> = if api == "columns" {
                        Vec::new()
                    } else {
                        groups.iter().map(|group| rows.batch(group, api == "arrow")).collect()
                    };
                    let start = cpu_seconds();
                    if api == "columns" {
                        by_columns(&rows, &groups, properties(version, batch), &path);
                    } else {
                        by_arrow(&rows, &batches, properties(version, batch), &path);
                    }
                    let spent = cpu_seconds() - start;
                    let name = format!("{api}, {version:?}, write_batch_size {batch}");
                    if turn == 0 {
                        let size = std::fs::metadata(&path).expect("the file").len();
                        bytes.insert(name.clone(), size);
                    }
                    seconds.entry(name).or_default().push(spent);
                }
            }
        }
    }
    let answer: BTreeMap<_, _> = seconds
        .into_iter()
        .map(|(name, found)| {
            let cpu = (median(found) * 1e4).round() / 1e4;
            let figures = json!({"cpu_s": cpu, "bytes": bytes[&name]});
            (name, figures)
        })
        .collect();
    println!("{}", json!(answer));
}
