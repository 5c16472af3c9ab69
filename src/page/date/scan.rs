//! Dates in long texts: addresses, JSON, the source of a page. Each scan reads its text once.

use super::day::{Bounds, Day, is_year};
use super::expression::day_month_year;
use memchr::memmem;

/// The date in an address: `/2014/03/02/`. The first that looks so decides.
pub(super) fn in_url(url: &str, bounds: &Bounds) -> Option<Day> {
    let bytes = url.as_bytes();
    let separates = |byte: u8| matches!(byte, b'/' | b'_' | b'-');
    runs_of_digits(bytes)
        .filter(|&(start, end)| start > 0 && end - start == 4)
        .find_map(|(start, end)| {
            let year = number(&bytes[start..end]).filter(|&year| is_year(year))?;
            let (month, rest) = after_mark(&bytes[end..], separates, 20)?;
            let (day, _) = after_mark(rest, separates, 40)?;
            Some(Day::new(year, month, day))
        })?
        .filter(|&day| bounds.contain(day))
}

/// A separator and the one or two digits behind it, and what follows; the number is below `limit`.
fn after_mark(bytes: &[u8], separates: impl Fn(u8) -> bool, limit: u32) -> Option<(u32, &[u8])> {
    let rest = bytes.split_first().filter(|(mark, _)| separates(**mark))?.1;
    let end = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let value = number(&rest[..end]).filter(|&value| end <= 2 && value < limit)?;
    Some((value, &rest[end..]))
}

/// Start and end of each run of digits.
fn runs_of_digits(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(u8::is_ascii_digit)?;
        let length = bytes[start..].iter().position(|byte| !byte.is_ascii_digit());
        at = length.map_or(bytes.len(), |length| start + length);
        Some((start, at))
    })
}

fn number(digits: &[u8]) -> Option<u32> {
    let all = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    all.then(|| digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

/// The first date of the form `2014-03-02` in `text`, if it lies in `bounds`; only one with a time
/// of day behind it where `timed`.
pub(super) fn iso_date(text: &str, timed: bool, bounds: &Bounds) -> Option<Day> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'-', bytes)
        .find_map(|dash| {
            let start = dash.checked_sub(4)?;
            let (day, rest) = iso_at(&bytes[start..])?;
            (!timed || is_time(rest)).then_some(day)
        })?
        .filter(|&day| bounds.contain(day))
}

/// The date at the beginning of `bytes`, which may be none of the calendar, and what follows.
fn iso_at(bytes: &[u8]) -> Option<(Option<Day>, &[u8])> {
    let year = number(bytes.get(..4)?).filter(|&year| is_year(year))?;
    let dash = |byte| byte == b'-';
    let (month, rest) = after_mark(&bytes[4..], dash, 20)?;
    let rest = rest.strip_prefix(b"-")?;
    // Two digits if they make a day, else one.
    let two = rest.get(..2).and_then(number).filter(|&day| day < 40);
    let (day, length) = match two {
        Some(day) => (day, 2),
        None => (number(rest.get(..1)?)?, 1),
    };
    Some((Day::new(year, month, day), &rest[length..]))
}

/// Whether a time of day stands at the beginning: `T10:00:00`.
fn is_time(bytes: &[u8]) -> bool {
    bytes.len() >= 9
        && matches!(bytes[0], b'T' | b' ')
        && bytes[1..9].iter().enumerate().all(|(at, byte)| match at {
            2 | 5 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
}

/// The first `"datePublished"` with a date in JSON, however broken the rest, if it lies in
/// `bounds`.
pub(super) fn in_json(text: &str, bounds: &Bounds) -> Option<Day> {
    const KEY: &[u8] = b"datepublished\"";
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'"', bytes)
        .find_map(|quote| {
            let rest = &bytes[quote + 1..];
            let key = rest.get(..KEY.len())?;
            key.eq_ignore_ascii_case(KEY).then_some(())?;
            let rest = rest[KEY.len()..].trim_ascii_start().strip_prefix(b":")?;
            let value = rest.trim_ascii_start().strip_prefix(b"\"")?;
            iso_at(value.trim_ascii_start()).map(|(day, _)| day)
        })?
        .filter(|&day| bounds.contain(day))
}

/// Words that announce a date in numbers, as a page's author writes it.
const CUES: [&str; 8] = [
    "updated",
    "last-modified",
    "published",
    "posted",
    "on",
    "datum",
    "stand",
    "veröffentlicht am",
];

/// How far back of a number its announcement can begin, in bytes: `date` and 20 characters that
/// are neither digits nor quotes, a colon and blanks.
const CUE_BYTES: usize = 60;

/// The first date in numbers that is announced, `Stand: 2.3.2014`, if it lies in `bounds`.
pub(super) fn announced(text: &str, bounds: &Bounds) -> Option<Day> {
    let bytes = text.as_bytes();
    let parts = |byte: u8| matches!(byte, b'.' | b'/');
    memchr::memchr2_iter(b'.', b'/', bytes)
        .find_map(|mark| {
            let digits = bytes[..mark].iter().rev().take(5);
            let length = digits.take_while(|byte| byte.is_ascii_digit()).count();
            let start = mark - length;
            let first = number(&bytes[start..mark]).filter(|_| length <= 4)?;
            let (second, rest) = after_mark(&bytes[mark..], parts, 100)?;
            let rest = rest.split_first().filter(|(mark, _)| parts(**mark))?.1;
            let end = rest.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
            let third = number(&rest[..end]).filter(|_| end >= 2)?;
            let before = &text.as_bytes()[start.saturating_sub(CUE_BYTES)..start];
            is_announcement(before).then(|| match length {
                4 => Day::new(first, second, third),
                _ if matches!(end, 2 | 4) => day_month_year(first, second, third),
                _ => None,
            })
        })?
        .filter(|&day| bounds.contain(day))
}

/// Whether `before`, the bytes up to a number, ends in one.
fn is_announcement(before: &[u8]) -> bool {
    let before = String::from_utf8_lossy(before).to_lowercase();
    let gap = |c: char| matches!(c, ' ' | ':');
    let trimmed = before.trim_end_matches(gap);
    if before.len() - trimmed.len() <= 9
        && CUES.iter().any(|cue| {
            trimmed.strip_suffix(cue).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
        })
    {
        return true;
    }
    // `date` with something behind it that is neither digit nor quote.
    let quiet = |c: char| !c.is_ascii_digit() && c != '"';
    let tail: String = before.chars().rev().take_while(|&c| quiet(c)).take(33).collect();
    let tail: String = tail.chars().rev().collect();
    memmem::rfind(tail.as_bytes(), b"date").is_some()
}
