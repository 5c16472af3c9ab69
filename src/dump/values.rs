//! JSON scalars to values: numbers and strings.

use memchr::memchr;

/// Whether `bytes` are a JSON number.
#[inline(always)]
pub(super) fn is_number(bytes: &[u8]) -> bool {
    let digits =
        |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let start = usize::from(bytes.first() == Some(&b'-'));
    let mut end = digits(start);
    if end == start || (bytes[start] == b'0' && end > start + 1) {
        return false;
    }
    if end == bytes.len() {
        return true;
    }
    if bytes[end] == b'.' {
        let fraction = end + 1;
        end = digits(fraction);
        if end == fraction {
            return false;
        }
    }
    if end < bytes.len() && bytes[end] | 0x20 == b'e' {
        let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
        let exponent = end + 1 + usize::from(sign);
        if exponent > bytes.len() {
            return false;
        }
        end = digits(exponent);
        if end == exponent {
            return false;
        }
    }
    end == bytes.len()
}

/// The value of a JSON number rounded down; `None` for anything else and outside the range of i64.
pub(super) fn integer(bytes: &[u8]) -> Option<i64> {
    if !is_number(bytes) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    if !bytes.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return text.parse().ok();
    }
    let value = text.parse::<f64>().ok()?.floor();
    // 2^63 is the first f64 that no i64 holds; -2^63 is the last that one holds.
    const END: f64 = (1u64 << 63) as f64;
    (-END..END).contains(&value).then_some(value as i64)
}

/// Appends the text that a JSON string with valid escapes stands for.
///
/// A surrogate without its other half, which UTF-8 cannot hold, becomes U+FFFD.
pub(super) fn unescape(mut raw: &[u8], out: &mut Vec<u8>) {
    while let Some(index) = memchr(b'\\', raw) {
        out.extend_from_slice(&raw[..index]);
        let kind = raw.get(index + 1).copied().unwrap_or(b'\\');
        let mut taken = index + 2;
        match kind {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let (code, digits) = code_point(&raw[index..]);
                taken = index + digits;
                let mut utf8 = [0; 4];
                out.extend_from_slice(code.encode_utf8(&mut utf8).as_bytes());
            }
            // `"`, `\` and `/` stand for themselves.
            other => out.push(other),
        }
        raw = &raw[taken.min(raw.len())..];
    }
    out.extend_from_slice(raw);
}

/// The character of `\uXXXX` or of a surrogate pair of them, and how many bytes it takes.
fn code_point(raw: &[u8]) -> (char, usize) {
    let unit = |at: usize| -> Option<u32> {
        if raw.get(at..at + 2)? != b"\\u" {
            return None;
        }
        raw.get(at + 2..at + 6)?
            .iter()
            .try_fold(0, |value, &digit| Some(value << 4 | (digit as char).to_digit(16)?))
    };
    let first = unit(0).unwrap_or(0xFFFD);
    if (0xD800..0xDC00).contains(&first)
        && let Some(second @ 0xDC00..0xE000) = unit(6)
    {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}
