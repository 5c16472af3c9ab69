//! The fields of dump lines by JSON libraries, and by the core's scan: verdicts compared, CPU timed.
//!
//! Every reader fills the same columns from the same lines, handed over in blocks; a line is judged
//! as `webtext::dump` does (object or damaged, comment, wrapped in `data`). Prints JSON.
//!
//! Usage: json RUNS FILE.ndjson... (text in memory); json RUNS --whole FILE.zst (decompressing too)

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Instant;
use webtext::dump::{Batch, Level, Options, SubmissionReader, scan_text};
use webtext_peers::{cpu_seconds, median};

const KEYS: [&str; 15] = [
    "id",
    "url",
    "domain",
    "subreddit",
    "author",
    "score",
    "created_utc",
    "is_self",
    "over_18",
    "promoted",
    "title",
    "body",
    "link_id",
    "kind",
    "data",
];
const ID: usize = 0;
const URL: usize = 1;
const SCORE: usize = 5;
const CREATED: usize = 6;
const IS_SELF: usize = 7;
const TITLE: usize = 10;
const BODY: usize = 11;
const LINK_ID: usize = 12;
const KIND: usize = 13;
const DATA: usize = 14;

/// A value as a library gives it.
#[derive(Clone, Copy, Default)]
enum Value<'a> {
    #[default]
    Absent,
    /// As it stands in the line.
    Raw(&'a str),
    /// A string with its escapes resolved.
    Text(&'a str),
    /// The same, with its bounds in the arena.
    Kept(usize, usize),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// An object at this place of the tape.
    Object(usize),
    /// Null, an array or a number outside the range.
    Other,
}

type Values<'a> = [Value<'a>; KEYS.len()];

fn key_place(key: &str) -> Option<usize> {
    // By length first, as a match of strings compiles to.
    match key {
        "id" => Some(0),
        "url" => Some(1),
        "domain" => Some(2),
        "subreddit" => Some(3),
        "author" => Some(4),
        "score" => Some(5),
        "created_utc" => Some(6),
        "is_self" => Some(7),
        "over_18" => Some(8),
        "promoted" => Some(9),
        "title" => Some(10),
        "body" => Some(11),
        "link_id" => Some(12),
        "kind" => Some(13),
        "data" => Some(14),
        _ => None,
    }
}

/// The columns that every reader fills, as the core's `Batch` has them.
#[derive(Default, PartialEq)]
struct Columns {
    status: Vec<u8>,
    texts: [Texts; 5],
    numbers: [Vec<Option<i64>>; 2],
    flags: [Vec<Option<bool>>; 3],
}

#[derive(Default, PartialEq)]
struct Texts {
    data: Vec<u8>,
    /// End and whether there is a value.
    rows: Vec<(u32, bool)>,
}

impl Texts {
    fn end_row(&mut self, found: bool) {
        self.rows.push((self.data.len() as u32, found));
    }

    fn row(&self, row: usize) -> Option<&[u8]> {
        let start = if row == 0 { 0 } else { self.rows[row - 1].0 as usize };
        self.rows[row].1.then(|| &self.data[start..self.rows[row].0 as usize])
    }
}

impl Columns {
    fn push_damaged(&mut self) {
        self.status.push(1);
        self.texts.iter_mut().for_each(|texts| texts.end_row(false));
        self.numbers.iter_mut().for_each(|numbers| numbers.push(None));
        self.flags.iter_mut().for_each(|flags| flags.push(None));
    }

    fn push<'a>(&mut self, values: &Values<'a>, resolve: &Resolver<'a>) {
        let has = |key: usize| !matches!(values[key], Value::Absent);
        let comment = has(BODY) && has(LINK_ID) && !has(TITLE) && !has(URL);
        self.status.push(if comment { 2 } else { 0 });
        for (key, texts) in self.texts.iter_mut().enumerate() {
            let start = texts.data.len();
            let found = match text(&values[ID + key], resolve) {
                Some(found) => {
                    let found = found.as_bytes();
                    let cut = if key == ID && found.starts_with(b"t3_") { 3 } else { 0 };
                    texts.data.extend_from_slice(&found[cut..]);
                    true
                }
                None => false,
            };
            debug_assert!(texts.data.len() >= start);
            texts.end_row(found);
        }
        for (key, numbers) in [SCORE, CREATED].into_iter().zip(&mut self.numbers) {
            numbers.push(number(&values[key], resolve));
        }
        for (key, flags) in (IS_SELF..).zip(&mut self.flags) {
            flags.push(match values[key] {
                Value::Raw("true") | Value::Boolean(true) => Some(true),
                Value::Raw("false") | Value::Boolean(false) => Some(false),
                _ => None,
            });
        }
    }

    fn of_batch(batch: &Batch) -> Columns {
        let mut columns = Columns { status: batch.status.clone(), ..Columns::default() };
        for row in 0..batch.rows() {
            let texts = [&batch.id, &batch.url, &batch.domain, &batch.subreddit, &batch.author];
            for (to, from) in columns.texts.iter_mut().zip(texts) {
                if let Some(text) = from.get(row) {
                    to.data.extend_from_slice(text.as_bytes());
                }
                to.end_row(from.get(row).is_some());
            }
            for (to, from) in columns.numbers.iter_mut().zip([&batch.score, &batch.created_utc]) {
                to.push(from.valid.get(row).then(|| from.values[row]));
            }
            let flags = [&batch.is_self, &batch.over_18, &batch.promoted];
            for (to, from) in columns.flags.iter_mut().zip(flags) {
                to.push(from.valid.get(row).then(|| from.values.get(row)));
            }
        }
        columns
    }

    fn row_differs(&self, other: &Columns, row: usize) -> bool {
        self.texts.iter().zip(&other.texts).any(|(a, b)| a.row(row) != b.row(row))
            || self.numbers.iter().zip(&other.numbers).any(|(a, b)| a[row] != b[row])
            || self.flags.iter().zip(&other.flags).any(|(a, b)| a[row] != b[row])
    }
}

/// How the text of a value is found.
struct Resolver<'r> {
    /// Turns a string as it stands, quotes included, into its text.
    raw: fn(&str) -> Option<String>,
    /// What `Value::Kept` points into.
    arena: &'r str,
}

fn text<'a>(value: &Value<'a>, resolve: &Resolver<'a>) -> Option<Cow<'a, str>> {
    match *value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Kept(start, end) => Some(Cow::Borrowed(&resolve.arena[start..end])),
        Value::Raw(raw) if raw.starts_with('"') => {
            if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
                return Some(Cow::Borrowed(&raw[1..raw.len() - 1]));
            }
            (resolve.raw)(raw).map(Cow::Owned)
        }
        _ => None,
    }
}

fn number<'a>(value: &Value<'a>, resolve: &Resolver<'a>) -> Option<i64> {
    let floor = |value: f64| {
        const END: f64 = (1u64 << 63) as f64;
        let value = value.floor();
        (-END..END).contains(&value).then_some(value as i64)
    };
    let spelt = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        // A string has to spell a JSON number, which `parse` alone is too generous for.
        if plain {
            text.parse().ok()
        } else {
            serde_json::from_str::<f64>(text).ok().and_then(floor)
        }
    };
    match *value {
        Value::Integer(value) => Some(value),
        Value::Float(value) => floor(value),
        Value::Raw(raw)
            if raw.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) =>
        {
            spelt(raw)
        }
        _ => text(value, resolve).and_then(|text| spelt(&text)),
    }
}

/// One way to read a line into a row.
trait Reader {
    fn line(&mut self, line: &mut [u8], columns: &mut Columns);
}

fn wrapped<'a>(values: &Values<'a>, resolve: &Resolver<'a>) -> bool {
    matches!(text(&values[KIND], resolve).as_deref(), Some("t3" | "t1"))
}

// ---- serde: one pass over the line; wanted values are built, the others checked and skipped ----

/// A value that a library hands out as it stands in the line.
trait Lazy<'de>: serde::Deserialize<'de> {
    fn raw(self) -> Cow<'de, str>;
}

impl<'de> Lazy<'de> for &'de serde_json::value::RawValue {
    fn raw(self) -> Cow<'de, str> {
        Cow::Borrowed(self.get())
    }
}

impl<'de> Lazy<'de> for LazyValue<'de> {
    fn raw(self) -> Cow<'de, str> {
        self.as_raw_cow()
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<usize>, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;
    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(key_place(key))
    }
}

/// A wanted value; a string with escapes goes to the arena.
struct Wanted<'r>(&'r mut String);

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Value<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Value<'de>;
    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a value")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        let start = self.0.len();
        self.0.push_str(text);
        Ok(Value::Kept(start, self.0.len()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(value).map_or(Value::Other, Value::Integer))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value<'de>, E> {
        Ok(Value::Float(value))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Boolean(value))
    }
    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}

/// The members of an object, and `data` as it stands.
struct Object<'r, L>(&'r mut String, PhantomData<L>);

type Members<'de> = (Values<'de>, Option<Cow<'de, str>>);

impl<'de, L: Lazy<'de>> DeserializeSeed<'de> for Object<'_, L> {
    type Value = Members<'de>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Members<'de>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, L: Lazy<'de>> Visitor<'de> for Object<'_, L> {
    type Value = Members<'de>;
    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let (mut values, mut data) = (Values::default(), None);
        while let Some(place) = map.next_key_seed(Key)? {
            match place {
                // Whether they are there is all that counts.
                Some(place @ (TITLE | BODY | LINK_ID)) => {
                    map.next_value::<IgnoredAny>()?;
                    values[place] = Value::Other;
                }
                Some(DATA) => data = Some(map.next_value::<L>()?.raw()),
                Some(place) => values[place] = map.next_value_seed(Wanted(self.0))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((values, data))
    }
}

/// Reads a line by `read`, and what it wraps.
fn serde_line(
    line: &[u8],
    columns: &mut Columns,
    arena: &mut String,
    read: impl for<'de> Fn(&'de [u8], &mut String) -> Option<Members<'de>>,
) {
    arena.clear();
    let raw = |_: &str| None;
    let Some((values, data)) = read(line, arena) else { return columns.push_damaged() };
    if let Some(data) = data
        && data.starts_with('{')
        && wrapped(&values, &Resolver { raw, arena })
    {
        arena.clear();
        let Some((inner, _)) = read(data.as_bytes(), arena) else { return columns.push_damaged() };
        return columns.push(&inner, &Resolver { raw, arena });
    }
    columns.push(&values, &Resolver { raw, arena });
}

fn sonic_text(raw: &str) -> Option<String> {
    sonic_rs::from_str(raw).ok()
}

#[derive(Default)]
struct SonicSerde(String);

impl Reader for SonicSerde {
    fn line(&mut self, line: &mut [u8], columns: &mut Columns) {
        serde_line(line, columns, &mut self.0, |text, arena| {
            // Of bytes that it skips no library here asks whether they are UTF-8.
            let mut from = sonic_rs::Deserializer::from_str(str::from_utf8(text).ok()?);
            let found = Object::<LazyValue<'_>>(arena, PhantomData).deserialize(&mut from).ok()?;
            from.end().ok()?;
            Some(found)
        });
    }
}

#[derive(Default)]
struct SerdeJson(String);

impl Reader for SerdeJson {
    fn line(&mut self, line: &mut [u8], columns: &mut Columns) {
        serde_line(line, columns, &mut self.0, |text, arena| {
            let mut from = serde_json::Deserializer::from_str(str::from_utf8(text).ok()?);
            let object = Object::<&serde_json::value::RawValue>(arena, PhantomData);
            let found = object.deserialize(&mut from).ok()?;
            from.end().ok()?;
            Some(found)
        });
    }
}

// ---- sonic-rs's own ways ----

/// Where a value stands; those of a slice stand in it.
fn borrowed(value: LazyValue<'_>) -> &str {
    match value.as_raw_cow() {
        Cow::Borrowed(raw) => raw,
        Cow::Owned(_) => panic!("a value that is not in the line"),
    }
}

const OF_SONIC: Resolver<'static> = Resolver { raw: sonic_text, arena: "" };

struct SonicIterator;

impl SonicIterator {
    fn values<'a>(text: &'a [u8]) -> Option<Values<'a>> {
        let mut values = Values::default();
        if text.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return None;
        }
        for member in sonic_rs::to_object_iter(text) {
            let (key, value) = member.ok()?;
            if let Some(place) = key_place(&key) {
                values[place] = Value::Raw(borrowed(value));
            }
        }
        Some(values)
    }
}

impl Reader for SonicIterator {
    fn line(&mut self, line: &mut [u8], columns: &mut Columns) {
        // The iterator stops behind the last brace: what follows is never seen.
        let Some(mut values) = SonicIterator::values(line) else { return columns.push_damaged() };
        if let Value::Raw(data) = values[DATA]
            && data.starts_with('{')
            && wrapped(&values, &OF_SONIC)
        {
            match SonicIterator::values(data.as_bytes()) {
                Some(inner) => values = inner,
                None => return columns.push_damaged(),
            }
        }
        columns.push(&values, &OF_SONIC);
    }
}

/// `get_many`, which ends where the last wanted key was found: no verdict on the rest of a line.
struct SonicMany(sonic_rs::PointerTree);

impl SonicMany {
    fn new() -> Self {
        let mut tree = sonic_rs::PointerTree::new();
        KEYS.iter().for_each(|key| tree.add_path([key]));
        SonicMany(tree)
    }

    fn values<'a>(&self, text: &'a [u8]) -> Option<Values<'a>> {
        let found = sonic_rs::get_many(text, &self.0).ok()?;
        let mut values = Values::default();
        for (place, value) in found.into_iter().enumerate() {
            values[place] = value.map_or(Value::Absent, |value| Value::Raw(borrowed(value)));
        }
        Some(values)
    }
}

impl Reader for SonicMany {
    fn line(&mut self, line: &mut [u8], columns: &mut Columns) {
        let Some(mut values) = self.values(line) else { return columns.push_damaged() };
        if let Value::Raw(data) = values[DATA]
            && data.starts_with('{')
            && wrapped(&values, &OF_SONIC)
        {
            match self.values(data.as_bytes()) {
                Some(inner) => values = inner,
                None => return columns.push_damaged(),
            }
        }
        columns.push(&values, &OF_SONIC);
    }
}

// ---- simd-json: a tape of all values, over buffers that are used again ----

#[derive(Default)]
struct SimdTape(simd_json::Buffers);

fn tape_object<'a>(nodes: &[simd_json::Node<'a>], at: usize) -> Option<Values<'a>> {
    use simd_json::{Node, StaticNode};
    let Node::Object { len, .. } = nodes[at] else { return None };
    let mut values = Values::default();
    let mut at = at + 1;
    for _ in 0..len {
        let Node::String(key) = nodes[at] else { return None };
        at += 1;
        let (value, size) = match nodes[at] {
            Node::String(text) => (Value::Text(text), 1),
            Node::Object { count, .. } => (Value::Object(at), 1 + count),
            Node::Array { count, .. } => (Value::Other, 1 + count),
            Node::Static(StaticNode::Bool(value)) => (Value::Boolean(value), 1),
            Node::Static(StaticNode::I64(value)) => (Value::Integer(value), 1),
            Node::Static(StaticNode::U64(value)) => {
                (i64::try_from(value).map_or(Value::Other, Value::Integer), 1)
            }
            Node::Static(StaticNode::F64(value)) => (Value::Float(value), 1),
            Node::Static(_) => (Value::Other, 1),
        };
        at += size;
        if let Some(place) = key_place(key) {
            values[place] = value;
        }
    }
    Some(values)
}

impl Reader for SimdTape {
    fn line(&mut self, line: &mut [u8], columns: &mut Columns) {
        let Ok(tape) = simd_json::to_tape_with_buffers(line, &mut self.0) else {
            return columns.push_damaged();
        };
        let Some(mut values) = tape_object(&tape.0, 0) else { return columns.push_damaged() };
        // The tape has no string as it stands.
        let texts = Resolver { raw: |_| None, arena: "" };
        if let Value::Object(at) = values[DATA]
            && wrapped(&values, &texts)
            && let Some(inner) = tape_object(&tape.0, at)
        {
            values = inner;
        }
        columns.push(&values, &texts);
    }
}

const PEERS: [&str; 5] =
    ["sonic-rs serde", "sonic-rs iterator", "sonic-rs get_many", "simd-json tape", "serde_json"];

fn reader(name: &str) -> Box<dyn Reader> {
    match name {
        "sonic-rs serde" => Box::new(SonicSerde::default()),
        "sonic-rs iterator" => Box::new(SonicIterator),
        "sonic-rs get_many" => Box::new(SonicMany::new()),
        "simd-json tape" => Box::new(SimdTape::default()),
        "serde_json" => Box::new(SerdeJson::default()),
        other => panic!("no reader {other}"),
    }
}

/// Lines to a reader; the end of a block that holds no line end is kept for the next one.
struct Feed {
    carry: Vec<u8>,
    columns: Columns,
}

impl Feed {
    fn new() -> Self {
        Feed { carry: Vec::new(), columns: Columns::default() }
    }

    fn line(&mut self, reader: &mut dyn Reader, line: &mut [u8]) {
        // As the core: NUL bytes before a line are no part of it, blank lines are none.
        let nul = line.iter().take_while(|&&byte| byte == 0).count();
        let line = &mut line[nul..];
        if !line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | 0)) {
            reader.line(line, &mut self.columns);
        }
    }

    fn block(&mut self, reader: &mut dyn Reader, block: &mut [u8]) {
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &block[start..]) {
            if self.carry.is_empty() {
                self.line(reader, &mut block[start..start + length]);
            } else {
                let mut carry = std::mem::take(&mut self.carry);
                carry.extend_from_slice(&block[start..start + length]);
                self.line(reader, &mut carry);
                carry.clear();
                self.carry = carry;
            }
            start += length + 1;
        }
        self.carry.extend_from_slice(&block[start..]);
    }

    fn end(mut self, reader: &mut dyn Reader) -> Columns {
        if !self.carry.is_empty() {
            let mut carry = std::mem::take(&mut self.carry);
            self.line(reader, &mut carry);
        }
        self.columns
    }
}

const BLOCK: usize = 1 << 20;

fn read_text(text: &[u8], reader: &mut dyn Reader) -> Columns {
    let mut feed = Feed::new();
    let mut block = vec![0; BLOCK];
    for piece in text.chunks(BLOCK) {
        block[..piece.len()].copy_from_slice(piece);
        feed.block(reader, &mut block[..piece.len()]);
    }
    feed.end(reader)
}

fn read_zst(path: &Path, reader: &mut dyn Reader) -> Columns {
    let file = std::fs::File::open(path).expect("a readable file");
    let mut decoder = zstd::stream::read::Decoder::new(file).expect("a zstd stream");
    decoder.window_log_max(31).expect("a window of 2 GiB");
    let mut feed = Feed::new();
    let mut block = vec![0; BLOCK];
    loop {
        let mut len = 0;
        while len < BLOCK {
            match decoder.read(&mut block[len..]).expect("a whole zstd stream") {
                0 => break,
                more => len += more,
            }
        }
        if len == 0 {
            return feed.end(reader);
        }
        feed.block(reader, &mut block[..len]);
        // Batches do not pile up in the core either.
        if feed.columns.status.len() > 65536 {
            feed.columns = Columns::default();
        }
    }
}

fn texts_of(path: &str, runs: usize) -> serde_json::Value {
    let text = std::fs::read(path).expect("a readable file");
    let ours = |level| scan_text(&text, level, BLOCK);
    let wanted = Columns::of_batch(&ours(Level::best()));
    let rows = wanted.status.len();
    let damaged = wanted.status.iter().filter(|&&status| status == 1).count();
    let mut answers = BTreeMap::new();
    for name in PEERS {
        let found = read_text(&text, &mut *reader(name));
        assert_eq!(found.status.len(), rows, "{name}: another number of lines");
        let verdicts = (0..rows).filter(|&row| found.status[row] != wanted.status[row]).count();
        let fields = (0..rows).filter(|&row| {
            found.status[row] == wanted.status[row] && found.row_differs(&wanted, row)
        });
        answers.insert(name, (verdicts, fields.count()));
    }
    let levels = [Level::Avx512, Level::Avx2, Level::Portable];
    let mut seconds: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for _ in 0..runs {
        for level in levels.into_iter().filter(|level| level.available()) {
            let start = cpu_seconds();
            std::hint::black_box(ours(level));
            seconds.entry(format!("webtext {level:?}")).or_default().push(cpu_seconds() - start);
        }
        for name in PEERS {
            let mut reader = reader(name);
            let start = cpu_seconds();
            std::hint::black_box(read_text(&text, &mut *reader));
            seconds.entry(name.to_owned()).or_default().push(cpu_seconds() - start);
        }
    }
    let readers: BTreeMap<_, _> = seconds
        .into_iter()
        .map(|(name, seconds)| {
            let middle = median(seconds);
            let mut figures = json!({"cpu_s": round(middle), "mb_per_cpu_s": (text.len() as f64 / 1e6 / middle).round()});
            if let Some((verdicts, fields)) = answers.get(name.as_str()) {
                figures["other_verdicts"] = json!(verdicts);
                figures["other_fields"] = json!(fields);
            }
            (name, figures)
        })
        .collect();
    json!({"bytes": text.len(), "rows": rows, "damaged": damaged, "readers": readers})
}

fn whole(path: &str, runs: usize) -> serde_json::Value {
    let path = Path::new(path);
    let mut found: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for _ in 0..runs {
        let (wall, cpu) = (Instant::now(), cpu_seconds());
        let mut reading = SubmissionReader::open(path, Options::default()).expect("a dump");
        while reading.next(&mut || true).expect("a dump").is_some() {}
        let figures = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
        found.entry("webtext").or_default().push(figures);
        for name in PEERS {
            let mut reader = reader(name);
            let (wall, cpu) = (Instant::now(), cpu_seconds());
            std::hint::black_box(read_zst(path, &mut *reader));
            let figures = (cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
            found.entry(name).or_default().push(figures);
        }
    }
    let readers: BTreeMap<_, _> = found
        .into_iter()
        .map(|(name, figures)| {
            let cpu = median(figures.iter().map(|pair| pair.0).collect());
            let wall = median(figures.iter().map(|pair| pair.1).collect());
            (name, json!({"cpu_s": round(cpu), "wall_s": round(wall)}))
        })
        .collect();
    json!({"readers": readers})
}

fn round(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runs: usize = arguments[0].parse().expect("a number of runs");
    let answer = if arguments[1] == "--whole" {
        whole(&arguments[2], runs)
    } else {
        arguments[1..].iter().map(|path| (path.clone(), texts_of(path, runs))).collect()
    };
    println!("{answer:#}");
}
