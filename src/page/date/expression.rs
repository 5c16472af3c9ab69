//! A short text that may be a date: an attribute, the text of one element.

use super::day::{Bounds, Day, full_year, is_year};
use super::months;

/// A date stands at the beginning of what holds it; more is not looked at (htmldate's figure).
pub(super) const MAX_CHARACTERS: usize = 52;

/// The date that `text` expresses, if it lies in `bounds`.
///
/// Readings are tried from the surest to the loosest: year first, eight digits, three numbers, year
/// and month, a month by its name. The first that gives a day decides.
pub(super) fn parse(text: &str, bounds: &Bounds) -> Option<Day> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let text = shortened(text);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    // A year needs four; more than a date with its time and zone is something else.
    if !(4..=18).contains(&digits) {
        return None;
    }
    let tokens = tokens(&text);
    if !begins_with_iso_date(&tokens) && is_something_else(&text, &tokens) {
        return None;
    }
    [year_first, eight_digits, three_numbers, east_asian, year_and_month, with_named_month]
        .into_iter()
        .find_map(|reading| reading(&tokens))
        .filter(|&day| bounds.contain(day))
}

/// The beginning of `text` on one line.
fn shortened(text: &str) -> String {
    let mut out = String::with_capacity(4 * MAX_CHARACTERS);
    let mut count = 0;
    for word in text.split_whitespace() {
        if count > 0 {
            out.push(' ');
            count += 1;
        }
        for character in word.chars() {
            if count >= MAX_CHARACTERS {
                return out.trim_end().to_owned();
            }
            out.push(character);
            count += 1;
        }
    }
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A run of ASCII digits.
    Number(&'a str),
    /// A run of letters.
    Word(&'a str),
    Mark(char),
}

use Token::{Mark, Number, Word};

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (token, length) = if first.is_ascii_digit() {
            let length = run(|c| c.is_ascii_digit());
            (Number(&rest[..length]), length)
        } else if first.is_alphabetic() {
            let length = run(char::is_alphabetic);
            (Word(&rest[..length]), length)
        } else {
            (Mark(first), first.len_utf8())
        };
        tokens.push(token);
        rest = &rest[length..];
    }
    tokens
}

fn begins_with_iso_date(tokens: &[Token<'_>]) -> bool {
    matches!(
        tokens,
        [Number(year), Mark('-'), Number(month), Mark('-'), Number(day), ..]
            if (year.len(), month.len(), day.len()) == (4, 2, 2)
    )
}

/// Times, single years, prices, telephone numbers, addresses, account numbers.
fn is_something_else(text: &str, tokens: &[Token<'_>]) -> bool {
    if let [Number(hour), Mark(':'), Number(minute), rest @ ..] = tokens
        && hour.len() == 2
        && minute.len() == 2
        && matches!(rest.first(), None | Some(Mark(' ' | ':')))
    {
        return true;
    }
    let mut numbers = tokens.iter().filter_map(|token| match token {
        Number(number) => Some(number.len()),
        _ => None,
    });
    if numbers.next() == Some(4) && numbers.next().is_none() {
        return true;
    }
    const SIGNS: [char; 11] = ['$', '€', '¥', 'Ұ', '£', '¢', '₽', '₱', '฿', '#', '₹'];
    if text.contains(SIGNS)
        || text.contains('®')
        || text.contains("IBAN")
        || text.contains("http")
        || text.contains("ftp")
    {
        return true;
    }
    let bytes = text.as_bytes();
    let capital = |byte: &u8| byte.is_ascii_uppercase();
    // A currency's code; an account number's beginning.
    if bytes.windows(4).any(|four| four[..3].iter().all(capital) && !capital(&four[3]))
        || bytes
            .windows(4)
            .any(|four| four[..2].iter().all(capital) && four[2..].iter().all(u8::is_ascii_digit))
    {
        return true;
    }
    tokens.iter().enumerate().any(|(at, token)| match token {
        Number(number) if at + 1 < tokens.len() => {
            let plus = at > 0 && tokens[at - 1] == Mark('+');
            let after_number = at > 1 && matches!(tokens[at - 2], Number(_));
            matches!(number.len(), 3 | 5) || (number.len() == 2 && plus && !after_number)
        }
        Mark('.') => match tokens.get(at + 1) {
            Some(Word(word)) => {
                ["com", "net", "org", "info", "gov", "edu", "de", "fr", "io"].contains(word)
                    && !matches!(tokens.get(at + 2), Some(Number(_) | Mark('_')))
            }
            _ => false,
        },
        _ => false,
    })
}

fn value(digits: &str) -> u32 {
    // Longer ones are no part of a date.
    if digits.len() > 4 { u32::MAX } else { digits.parse().unwrap_or(u32::MAX) }
}

/// A month's number as patterns take it: up to 19, since day and month may stand in each other's
/// place.
fn is_month(digits: &str) -> bool {
    digits.len() <= 2 && value(digits) < 20
}

fn is_day(digits: &str) -> bool {
    digits.len() <= 2 && value(digits) < 40
}

fn year_month_day(eight: &str) -> Option<Day> {
    Day::new(value(&eight[..4]), value(&eight[4..6]), value(&eight[6..8]))
}

/// `20140302...`, `2014 March 2`.
fn year_first(tokens: &[Token<'_>]) -> Option<Day> {
    let Some((Number(first), rest)) = tokens.split_first() else { return None };
    if first.len() >= 8 {
        return year_month_day(first);
    }
    let mut words = rest.iter().filter_map(|token| match token {
        Word(word) => Some(*word),
        _ => None,
    });
    let (Some(word), None, 4) = (words.next(), words.next(), first.len()) else { return None };
    let month = months::named(word)?;
    let mut numbers = rest.iter().filter_map(|token| match token {
        Number(number) => Some(*number),
        _ => None,
    });
    let (Some(day), None) = (numbers.next(), numbers.next()) else { return None };
    if is_day(day) { Day::new(value(first), month, value(day)) } else { None }
}

/// Eight digits that stand alone.
fn eight_digits(tokens: &[Token<'_>]) -> Option<Day> {
    let apart = |token: Option<&Token<'_>>| !matches!(token, Some(Word(_) | Mark('_')));
    let mut found = tokens.iter().enumerate().filter_map(|(at, token)| match token {
        Number(number) if number.len() == 8 => {
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            let alone = apart(before) && apart(tokens.get(at + 1));
            alone.then_some(*number)
        }
        _ => None,
    });
    year_month_day(found.next()?)
}

fn parts(mark: char) -> bool {
    matches!(mark, '-' | '/' | '.')
}

/// Year, month and day, or day, month and year; the first three numbers that look so decide.
fn three_numbers(tokens: &[Token<'_>]) -> Option<Day> {
    tokens.windows(5).find_map(|five| {
        let [Number(a), Mark(first), Number(b), Mark(second), Number(c)] = five else {
            return None;
        };
        if !parts(*first) || !parts(*second) {
            return None;
        }
        if a.len() == 4 && is_year(value(a)) && is_month(b) && is_day(c) {
            return Some(Day::new(value(a), value(b), value(c)));
        }
        let day_first = is_day(a) && is_day(b) && (2..=4).contains(&c.len());
        day_first.then(|| day_month_year(value(a), value(b), value(c)))
    })?
}

/// The day; with day and month exchanged where they can only be meant so.
pub(super) fn day_month_year(day: u32, month: u32, year: u32) -> Option<Day> {
    let (day, month) = if month > 12 && day <= 12 { (month, day) } else { (day, month) };
    Day::new(full_year(year), month, day)
}

/// `2014-03` and `03/2014`, alone: the first of the month.
fn year_and_month(tokens: &[Token<'_>]) -> Option<Day> {
    let is_full_year = |number: &str| number.len() == 4 && is_year(value(number));
    let parted = |token: Option<&Token<'_>>| matches!(token, Some(Mark(mark)) if parts(*mark));
    tokens.windows(3).enumerate().find_map(|(at, three)| {
        let [Number(a), Mark(mark), Number(b)] = three else { return None };
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if !parts(*mark) || parted(before) || parted(tokens.get(at + 3)) {
            None
        } else if is_full_year(a) && is_month(b) {
            Some(Day::new(value(a), value(b), 1))
        } else if is_month(a) && is_full_year(b) {
            Some(Day::new(value(b), value(a), 1))
        } else {
            None
        }
    })?
}

/// `2014年3月2日`, `2014년 3월 2일`.
fn east_asian(tokens: &[Token<'_>]) -> Option<Day> {
    let inked: Vec<_> = tokens.iter().filter(|token| **token != Mark(' ')).collect();
    inked.windows(6).find_map(|six| {
        let [Number(year), Word(a), Number(month), Word(b), Number(day), Word(c)] = six else {
            return None;
        };
        let dated = matches!((*a, *b), ("年", "月") | ("년", "월"))
            && c.starts_with(['日', '号', '號', '일']);
        let sized = year.len() == 4 && month.len() <= 2 && day.len() <= 2;
        (dated && sized).then(|| Day::new(value(year), value(month), value(day)))
    })?
}

/// `March 2nd, 2014`, `2. März 2014`, `2nd of March, 2014`, `2 de marzo de 2014`.
fn with_named_month(tokens: &[Token<'_>]) -> Option<Day> {
    (0..tokens.len()).find_map(|at| match tokens[at] {
        Word(word) => month_first(word, &tokens[at + 1..]),
        Number(number) => day_first(number, &tokens[at + 1..]),
        Mark(_) => None,
    })
}

fn is_ordinal(word: &str) -> bool {
    ["st", "nd", "rd", "th"].iter().any(|ending| word.eq_ignore_ascii_case(ending))
}

/// The year that a number begins with.
fn leading_year(token: Option<&Token<'_>>) -> Option<u32> {
    match token {
        Some(Number(number)) => number.get(..4).map(value).filter(|&year| is_year(year)),
        _ => None,
    }
}

fn month_first(word: &str, rest: &[Token<'_>]) -> Option<Day> {
    let [Mark(' '), Number(day), rest @ ..] = rest else { return None };
    let rest = match rest {
        [Word(ending), rest @ ..] if is_ordinal(ending) => rest,
        _ => rest,
    };
    let rest = rest.strip_prefix(&[Mark(',')]).unwrap_or(rest);
    let year = leading_year(rest.strip_prefix(&[Mark(' ')])?.first())?;
    if !is_day(day) {
        return None;
    }
    day_month_year(value(day), months::at_end_of(word)?, year)
}

fn is_of(word: &str) -> bool {
    ["of", "de", "del", "do"].iter().any(|of| word.eq_ignore_ascii_case(of))
}

fn day_first(number: &str, rest: &[Token<'_>]) -> Option<Day> {
    let rest = match rest {
        [Word(ending), rest @ ..] if is_ordinal(ending) => rest,
        [Mark('.'), rest @ ..] => rest,
        _ => rest,
    };
    let rest = rest.strip_prefix(&[Mark(' ')])?;
    let rest = match rest {
        [Word(of), Mark(' '), rest @ ..] if is_of(of) => rest,
        _ => rest,
    };
    let (Word(word), rest) = rest.split_first()? else { return None };
    let rest = match rest {
        [Mark(',' | '.'), rest @ ..] => rest,
        _ => rest,
    };
    let rest = rest.strip_prefix(&[Mark(' ')])?;
    let rest = match rest {
        [Word(of), Mark(' '), rest @ ..] if is_of(of) => rest,
        _ => rest,
    };
    let year = leading_year(rest.first())?;
    let month = months::named(word)?;
    // Of a longer number the end: text of two elements meets without a blank.
    let tail = &number[number.len().saturating_sub(2)..];
    let day = if is_day(tail) { tail } else { &tail[1..] };
    day_month_year(value(day), month, year)
}
