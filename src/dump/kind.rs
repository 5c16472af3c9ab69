//! What a file is that holds no submissions: a name that helps whoever gave it.

use super::compression::Compression;

/// Names what text that starts with `start` is; `compression` is what it was packed in.
pub(super) fn describe(start: &[u8], compression: Compression) -> String {
    let packed = match compression {
        Compression::Plain => String::new(),
        other => format!(" packed with {}", other.name()),
    };
    format!("this is {}{packed}, not a submission dump (one JSON object a line)", name(start))
}

/// First bytes of files that people mistake for dumps.
const MAGIC: [(&[u8], &str); 14] = [
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!\x1A\x07", "a RAR archive"),
    (b"\x04\x22\x4D\x18", "an lz4 file"),
    (b"\x1F\x9D", "a file of `compress`"),
    (b"\x5D\x00\x00", "an lzma file of the old form"),
    (b"LZIP", "an lzip file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF", "a PDF file"),
    (b"WARC/", "a WARC file"),
    (b"d8:announce", "a torrent, which only names the files"),
    (b"BZh", "a bzip2 file whose first block is damaged"),
];

/// What the first bytes alone decide: archives may hold lines as they are, and are still no dumps.
fn by_magic(start: &[u8]) -> Option<&'static str> {
    if start.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    MAGIC.iter().find(|(magic, _)| start.starts_with(magic)).map(|&(_, name)| name)
}

/// Whether text that starts with `start` is of another kind, whatever its lines hold.
pub(super) fn is_other(start: &[u8]) -> bool {
    by_magic(start).is_some()
}

fn name(start: &[u8]) -> String {
    if let Some(name) = by_magic(start) {
        return name.to_owned();
    }
    let text = start.trim_ascii_start();
    let folded = text[..text.len().min(64)].to_ascii_lowercase();
    if folded.starts_with(b"<!doctype html") || folded.starts_with(b"<html") {
        return "an HTML page (the answer of a web server in place of the file?)".to_owned();
    }
    if folded.starts_with(b"<") {
        return "XML or HTML".to_owned();
    }
    if text.starts_with(b"[") {
        return "a JSON array".to_owned();
    }
    if text.starts_with(b"{") {
        return "JSON, but its lines are no complete objects".to_owned();
    }
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let binary = start.iter().any(|&byte| byte < b' ' && !byte.is_ascii_whitespace());
    if binary
        || (line.len() == text.len()
            && std::str::from_utf8(line).is_err_and(|e| e.error_len().is_some()))
    {
        let shown: Vec<String> = start.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        return format!("binary data that begins with {}", shown.join(" "));
    }
    let count = |separator: u8| line.iter().filter(|&&byte| byte == separator).count();
    let shown = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
    let first = format!("its first line begins `{}`", shown.trim_end());
    if count(b',') > 0 {
        format!("a CSV file ({first})")
    } else if count(b'\t') > 0 {
        format!("a file of tab-separated values ({first})")
    } else {
        format!("text that is no JSON ({first})")
    }
}
