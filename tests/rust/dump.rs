//! The dump scan: every level of instructions and every block size give the same rows, and a line is
//! damaged exactly if the slow twin says so. (The twin of the values is `json.loads`, in the Python
//! tests.)

use webtext::dump::{
    Batch, Level, MAX_DEPTH, MAX_TOKENS, Options, Status, SubmissionReader, scan_line, scan_text,
};

const LEVELS: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

fn levels() -> impl Iterator<Item = Level> {
    LEVELS.into_iter().filter(|level| level.available())
}

/// A small generator: any sequence will do, as long as it is the same each time.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

const LINES: [&str; 9] = [
    r#"{"id":"t3_a1","url":"http:\/\/x.example\/?a=1&amp;b=\u00e9\ud83d\ude00","score":5,"is_self":false}"#,
    r#" {"crosspost_parent_list":[{"url":"no","score":9}],"url":"yes","created_utc":"1400000000"} "#,
    r#"{"kind":"t3","data":{"id":"b2","url":null,"over_18":true,"created_utc":1706745600.5}}"#,
    r#"{"body":"b \\\\\" ","link_id":"t3_x","author":"someone"}"#,
    r#"{"\u0075rl":"spelt","domain":"x.example","subreddit":"pics","promoted":true,"score":null}"#,
    r#"{"id":"a","x":[[],{},[{"y":[1,2.5e-3,true,null,NaN]}]],"score":"-7"}"#,
    r#"{"id":"cut","url":"http://x.exam"#,
    r#"{"title":"é中文😀","url":"http://x.example/ä"}"#,
    "",
];

/// Line, status, id, url, score, created_utc.
type Row<'a> = (u64, u8, Option<&'a str>, Option<&'a str>, Option<i64>, Option<i64>);

fn rows(batch: &Batch) -> Vec<Row<'_>> {
    (0..batch.rows())
        .map(|row| {
            let number = |column: &webtext::dump::Int64Column| {
                column.valid.get(row).then(|| column.values[row])
            };
            (
                batch.line[row],
                batch.status[row],
                batch.id.get(row),
                batch.url.get(row),
                number(&batch.score),
                number(&batch.created_utc),
            )
        })
        .collect()
}

/// The slow twin of the grammar: a byte at a time, by recursion. Whether a line is a JSON object.
struct Twin<'a>(&'a [u8]);

impl Twin<'_> {
    fn is_object(line: &[u8]) -> bool {
        let mut twin = Twin(line);
        twin.blank();
        std::str::from_utf8(line).is_ok()
            && twin.0.first() == Some(&b'{')
            && twin.value()
            && twin.0.is_empty()
    }

    fn take(&mut self, text: &[u8]) -> bool {
        let found = self.0.strip_prefix(text);
        self.0 = found.unwrap_or(self.0);
        found.is_some()
    }

    fn blank(&mut self) {
        while self.take(b" ") || self.take(b"\t") || self.take(b"\r") || self.take(b"\n") {}
    }

    /// A value and the blank space behind it.
    fn value(&mut self) -> bool {
        let good = match self.0.first() {
            Some(b'"') => self.string(),
            Some(b'{') => self.members(b"}", |twin| {
                twin.string() && {
                    twin.blank();
                    twin.take(b":") && {
                        twin.blank();
                        twin.value()
                    }
                }
            }),
            Some(b'[') => self.members(b"]", Twin::value),
            Some(b't') => self.take(b"true"),
            Some(b'f') => self.take(b"false"),
            Some(b'n') => self.take(b"null"),
            Some(b'N') => self.take(b"NaN"),
            Some(b'I') => self.take(b"Infinity"),
            _ => self.take(b"-Infinity") || self.number(),
        };
        self.blank();
        good
    }

    fn members(&mut self, close: &[u8], mut member: impl FnMut(&mut Self) -> bool) -> bool {
        self.0 = &self.0[1..];
        self.blank();
        if self.take(close) {
            return true;
        }
        loop {
            if !member(self) {
                return false;
            }
            if self.take(close) {
                return true;
            }
            if !self.take(b",") {
                return false;
            }
            self.blank();
        }
    }

    fn string(&mut self) -> bool {
        if !self.take(b"\"") {
            return false;
        }
        loop {
            let Some((&first, rest)) = self.0.split_first() else { return false };
            self.0 = rest;
            match first {
                b'"' => return true,
                b'\\' => {
                    let Some((&kind, rest)) = self.0.split_first() else { return false };
                    self.0 = rest;
                    let digits = rest.get(..4).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
                    match kind {
                        b'u' if digits => self.0 = &rest[4..],
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        _ => return false,
                    }
                }
                0..=0x1F => return false,
                _ => {}
            }
        }
    }

    fn digits(&mut self) -> usize {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[count..];
        count
    }

    fn number(&mut self) -> bool {
        self.take(b"-");
        if !self.take(b"0") && self.digits() == 0 {
            return false;
        }
        if self.take(b".") && self.digits() == 0 {
            return false;
        }
        if self.take(b"e") || self.take(b"E") {
            let _ = self.take(b"+") || self.take(b"-");
            return self.digits() > 0;
        }
        true
    }
}

#[test]
fn rows_of_a_text() {
    let batch = scan_text(LINES.join("\n").as_bytes(), Level::Portable, 1 << 20);
    assert_eq!(
        rows(&batch),
        [
            (0, 0, Some("a1"), Some("http://x.example/?a=1&amp;b=é😀"), Some(5), None),
            (1, 0, None, Some("yes"), None, Some(1_400_000_000)),
            (2, 0, Some("b2"), None, None, Some(1_706_745_600)),
            (3, 2, None, None, None, None),
            (4, 0, None, Some("spelt"), None, None),
            (5, 0, Some("a"), None, Some(-7), None),
            (6, 1, None, None, None, None),
            (7, 0, None, Some("http://x.example/ä"), None, None),
        ]
    );
    assert_eq!(batch.author.get(3), Some("someone"));
    assert_eq!(batch.domain.get(4), Some("x.example"));
    assert_eq!(batch.subreddit.get(4), Some("pics"));
    let flag = |column: &webtext::dump::BoolColumn, row| {
        column.valid.get(row).then(|| column.values.get(row))
    };
    assert_eq!(flag(&batch.is_self, 0), Some(false));
    assert_eq!(flag(&batch.over_18, 2), Some(true));
    assert_eq!(flag(&batch.promoted, 4), Some(true));
    assert_eq!(flag(&batch.promoted, 0), None);
}

#[test]
fn blocks_of_any_size_change_nothing() {
    let text = [&LINES[..], &["\0\0\0{\"id\":\"nul\"}\r", " \t", "{}"]].concat().join("\n");
    let text = format!("\u{feff}{text}\n{text}");
    for level in levels() {
        let whole = scan_text(text.as_bytes(), level, text.len());
        assert_eq!(whole.rows(), 20);
        for block_bytes in (1..200).chain([text.len() - 1, text.len() + 1]) {
            // A mark split over blocks is no mark: the reader's first block holds it whole.
            if block_bytes >= 3 {
                assert_eq!(scan_text(text.as_bytes(), level, block_bytes), whole, "{block_bytes}");
            }
        }
    }
}

#[test]
fn mutated_lines_are_the_same_on_every_level() {
    let mut sequence = Sequence(7);
    let bytes = b"\"\\{}[]:,u0e-. \t\x00\x01\x7f\x80\xc3\xa9\xff";
    for round in 0..5_000 {
        let mut line = LINES[sequence.below(LINES.len())].as_bytes().to_vec();
        for _ in 0..sequence.below(4) {
            let at = sequence.below(line.len() + 1);
            match sequence.below(3) {
                0 => line.insert(at, bytes[sequence.below(bytes.len())]),
                1 if at < line.len() => line[at] = bytes[sequence.below(bytes.len())],
                _ => drop(line.drain(at..(at + sequence.below(9)).min(line.len()))),
            }
        }
        let pad = sequence.below(70);
        line.splice(0..0, std::iter::repeat_n(b' ', pad));
        line.retain(|&byte| byte != b'\n');
        let wanted = scan_line(&line, Level::Portable);
        let good = wanted.0 != Status::Damaged;
        assert_eq!(good, Twin::is_object(&line), "round {round}: {}", line.escape_ascii());
        for level in levels() {
            let found = scan_line(&line, level);
            assert_eq!(found, wanted, "round {round}, {level:?}: {}", line.escape_ascii());
        }
    }
}

#[test]
fn noise_of_structure_never_panics() {
    let mut sequence = Sequence(11);
    let pieces: [&[u8]; 16] = [
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"\"",
        b"\\",
        b"\"url\":",
        b"\"id\":\"x\"",
        b"1",
        b"true",
        b" ",
        b"\\u00",
        b"\"\"",
        b"null",
    ];
    let mut good = 0;
    for _ in 0..20_000 {
        let count = sequence.below(12);
        let mut line = b"{".to_vec();
        for _ in 0..count {
            line.extend_from_slice(pieces[sequence.below(pieces.len())]);
        }
        line.push(b'}');
        let wanted = scan_line(&line, Level::Portable);
        good += u32::from(wanted.0 != Status::Damaged);
        let twin = Twin::is_object(&line);
        assert_eq!(wanted.0 != Status::Damaged, twin, "{}", line.escape_ascii());
        for level in levels() {
            assert_eq!(scan_line(&line, level), wanted, "{}", line.escape_ascii());
        }
    }
    assert!(good > 200, "only {good} of the lines were JSON");
}

#[test]
fn limits_of_depth_and_tokens() {
    for level in levels() {
        let nested = |levels: usize| {
            let inner = levels - 1;
            format!("{{\"x\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
        };
        assert_eq!(scan_line(nested(MAX_DEPTH).as_bytes(), level).0, Status::Ok);
        assert_eq!(scan_line(nested(MAX_DEPTH + 1).as_bytes(), level).0, Status::Damaged);
        // `{`, key, colon, `[`, numbers and commas, `]`, `}`.
        let wide = |tokens: usize| format!("{{\"x\":[{}1]}}", "1,".repeat((tokens - 8) / 2));
        assert_eq!(scan_line(wide(MAX_TOKENS).as_bytes(), level).0, Status::Ok);
        assert_eq!(scan_line(wide(MAX_TOKENS + 2).as_bytes(), level).0, Status::Damaged);
    }
}

#[test]
fn a_file_is_read_in_batches_to_its_end() {
    let path = std::env::temp_dir().join(format!("webtext-dump-{}.ndjson", std::process::id()));
    std::fs::write(&path, LINES.join("\n").repeat(100)).expect("a writable folder");
    let options = Options { batch_rows: 64, ..Options::default() };
    let mut reader = SubmissionReader::open(&path, options).expect("a dump");
    let mut rows = 0;
    while let Some(batch) = reader.next(&mut || true).expect("a dump") {
        rows += batch.rows() as u64;
    }
    std::fs::remove_file(&path).expect("the file is ours");
    let stats = reader.stats();
    assert_eq!(rows, stats.ok + stats.damaged + stats.comments);
    assert_eq!(rows + stats.blank, stats.lines);
    assert!(matches!(reader.next(&mut || false), Ok(None)));
}

#[test]
fn a_missing_file_is_an_io_error() {
    let opened = SubmissionReader::open(std::path::Path::new("/no/such/dump"), Options::default());
    assert!(matches!(opened, Err(webtext::Error::Io { .. })));
}
