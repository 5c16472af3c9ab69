//! The patterns of GPT-4 (`cl100k`) and GPT-4o (`o200k`), one character at a time.
//!
//! Each alternative of the regular expression is a few lines here, tried in the same order.

use crate::bpe::class::{LETTER, LOWER, MARK, NUMBER, SPACE, UPPER, char_at, is_letter};

/// Appends the end of each piece of `text`, where `piece(text, start)` is the end of one.
#[inline(always)]
pub(super) fn scan(text: &[u8], piece: impl Fn(&[u8], usize) -> usize, ends: &mut Vec<u32>) {
    let mut position = 0;
    while position < text.len() {
        let end = piece(text, position);
        debug_assert!(end > position);
        ends.push(end as u32);
        position = end;
    }
}

/// Where the characters whose class passes `belongs` end, at most `most` of them.
#[inline(always)]
fn run(text: &[u8], mut position: usize, most: usize, belongs: impl Fn(u8) -> bool) -> usize {
    for _ in 0..most {
        if position >= text.len() {
            break;
        }
        let (class, len) = char_at(text, position);
        if !belongs(class) {
            break;
        }
        position += len;
    }
    position
}

/// Neither white space, letter nor number.
fn is_other(class: u8) -> bool {
    !is_letter(class) && class != NUMBER && class != SPACE
}

/// Length of a contraction in any case at `position`: `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`;
/// 0 for none. U+017F folds to `s`.
fn contraction(text: &[u8], position: usize) -> usize {
    match text[position..] {
        [b'\'', first, ..] if b"sStTmMdD".contains(&first) => 2,
        [b'\'', b'r' | b'R' | b'v' | b'V', b'e' | b'E', ..] => 3,
        [b'\'', b'l' | b'L', b'l' | b'L', ..] => 3,
        [b'\'', 0xC5, 0xBF, ..] => 3,
        _ => 0,
    }
}

/// `[^\r\n\p{L}\p{N}]`: the length of such a character at `position`, else 0.
fn prefix_len(text: &[u8], position: usize) -> usize {
    let (class, len) = char_at(text, position);
    let excluded = is_letter(class) || class == NUMBER || matches!(text[position], b'\r' | b'\n');
    if excluded { 0 } else { len }
}

/// `\p{N}{1,3}`, else `position`.
fn up_to_three_numbers(text: &[u8], position: usize) -> usize {
    run(text, position, 3, |class| class == NUMBER)
}

/// ` ?[^\s\p{L}\p{N}]+` and then any of `trailing`; else `position`.
fn punctuation(text: &[u8], position: usize, trailing: &[u8]) -> usize {
    let from = position + (text[position] == b' ') as usize;
    let mut end = run(text, from, usize::MAX, is_other);
    if end == from {
        return position;
    }
    while end < text.len() && trailing.contains(&text[end]) {
        end += 1;
    }
    end
}

/// White space from `position`, which holds some: the end of the run, the end of its last line
/// break (or `position`), and the start of its last character.
fn white_space(text: &[u8], position: usize) -> (usize, usize, usize) {
    let (mut end, mut after_break, mut last) = (position, position, position);
    while end < text.len() {
        let (class, len) = char_at(text, end);
        if class != SPACE {
            break;
        }
        last = end;
        end += len;
        if matches!(text[last], b'\r' | b'\n') {
            after_break = end;
        }
    }
    (end, after_break, last)
}

/// The end of the piece of GPT-4's pattern that starts at `position`.
#[inline(always)]
pub(super) fn cl100k_piece(text: &[u8], position: usize) -> usize {
    let short = contraction(text, position);
    if short > 0 {
        return position + short;
    }
    // [^\r\n\p{L}\p{N}]?+\p{L}++
    let from = position + prefix_len(text, position);
    let end = run(text, from, usize::MAX, is_letter);
    if end > from {
        return end;
    }
    let end = up_to_three_numbers(text, position);
    if end > position {
        return end;
    }
    let end = punctuation(text, position, b"\r\n");
    if end > position {
        return end;
    }
    let (end, after_break, last) = white_space(text, position);
    if end == text.len() {
        return end; // \s++$
    }
    if after_break > position {
        return after_break; // \s*[\r\n]
    }
    // \s+(?!\S), then \s
    if last > position { last } else { end }
}

/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
fn is_head(class: u8) -> bool {
    matches!(class, UPPER | LETTER | MARK)
}

/// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
fn is_tail(class: u8) -> bool {
    matches!(class, LOWER | LETTER | MARK)
}

/// `[head]*[tail]+` from `position`, with the backtracking of the regular expression; else `None`.
fn head_then_tail(text: &[u8], position: usize) -> Option<usize> {
    let heads = run(text, position, usize::MAX, is_head);
    let tails = run(text, heads, usize::MAX, is_tail);
    if tails > heads {
        return Some(tails);
    }
    // Give heads back until the last one that is a tail too; what follows it is upper case.
    let mut end = None;
    let mut at = position;
    while at < heads {
        let (class, len) = char_at(text, at);
        at += len;
        if is_tail(class) {
            end = Some(at);
        }
    }
    end
}

/// `[head]+[tail]*` from `position`; else `None`.
fn head_maybe_tail(text: &[u8], position: usize) -> Option<usize> {
    let heads = run(text, position, usize::MAX, is_head);
    (heads > position).then(|| run(text, heads, usize::MAX, is_tail))
}

/// The end of the piece of GPT-4o's pattern that starts at `position`.
#[inline(always)]
pub(super) fn o200k_piece(text: &[u8], position: usize) -> usize {
    let prefix = prefix_len(text, position);
    for word in [head_then_tail, head_maybe_tail] {
        // With the optional character first; without it only where it can be a letter's mark.
        let end = if prefix > 0 {
            word(text, position + prefix).or_else(|| word(text, position))
        } else {
            word(text, position)
        };
        if let Some(end) = end {
            return end + if end < text.len() { contraction(text, end) } else { 0 };
        }
    }
    let end = up_to_three_numbers(text, position);
    if end > position {
        return end;
    }
    let end = punctuation(text, position, b"\r\n/");
    if end > position {
        return end;
    }
    let (end, after_break, last) = white_space(text, position);
    if after_break > position {
        return after_break; // \s*[\r\n]+
    }
    if end == text.len() || last == position { end } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_prefixes() {
        assert_eq!(prefix_len(b" a", 0), 1);
        assert_eq!(prefix_len(b"\na", 0), 0);
        assert_eq!(prefix_len("\u{2019}a".as_bytes(), 0), 3);
    }
}
