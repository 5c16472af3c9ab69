//! Marks inside a line: bold and italic, switches, character references.

use super::Cleaner;
use crate::html::entities;

/// Longest switch, in bytes. Our choice.
const LONGEST: usize = 64;

impl Cleaner<'_> {
    /// Apostrophes: one is text, two and more are bold and italic, but for those too many.
    pub(super) fn quotes(&mut self) {
        let rest = &self.source.as_bytes()[self.at..];
        let run = rest.iter().take_while(|&&byte| byte == b'\'').count();
        let shown = match run {
            1 | 4 => 1,
            _ => run.saturating_sub(5),
        };
        self.out.push_str(&self.source[self.at..self.at + shown]);
        self.at += run;
    }

    /// A switch such as `__NOTOC__`, in any script, or `_`.
    pub(super) fn switch(&mut self) {
        let rest = &self.source.as_bytes()[self.at..];
        let name = rest.strip_prefix(b"__").unwrap_or_default().iter().take(LONGEST);
        let name = name.take_while(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()).count();
        if name > 0 && rest[2 + name..].starts_with(b"__") {
            self.at += name + 4;
        } else {
            self.literal(1);
        }
    }

    /// A character reference, or `&`.
    pub(super) fn reference(&mut self) {
        match entities::reference_into(&self.source[self.at..], &mut self.out) {
            0 => self.literal(1),
            used => self.at += used,
        }
    }
}
