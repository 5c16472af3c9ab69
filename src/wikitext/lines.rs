//! Where lines begin and end: headings, lists, tables.

use super::Cleaner;
use super::frames::Kind;

impl Cleaner<'_> {
    /// Passes over the marks at the start of a line.
    pub(super) fn line_start(&mut self) {
        let rest = &self.source.as_bytes()[self.at..];
        let run = |from: usize, marks: &[u8]| {
            from + rest[from..].iter().take_while(|byte| marks.contains(byte)).count()
        };
        let list = run(0, b"*#:;");
        let first = run(list, b" \t:");
        if rest[first..].starts_with(b"{|") {
            self.enter(Kind::Table, first + 2);
        } else if rest[first..].starts_with(b"|}") && rest.get(first + 2) != Some(&b'}') {
            self.leave(Kind::Table, first + 2);
        } else {
            let marks = run(list, b"=");
            self.heading = list == 0 && marks > 0;
            self.at += run(marks, b" \t");
        }
    }

    /// A line's end; of empty lines one stays.
    pub(super) fn line_end(&mut self) {
        self.at += 1;
        self.heading = false;
        self.line_break();
        self.line_start();
    }

    /// Ends the line that is written.
    pub(super) fn line_break(&mut self) {
        if !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// The marks that end a heading; elsewhere in it they are text.
    pub(super) fn heading_end(&mut self) {
        let rest = &self.source.as_bytes()[self.at..];
        let marks = rest.iter().take_while(|&&byte| byte == b'=').count();
        let blank = rest[marks..].iter().take_while(|byte| b" \t\r".contains(byte)).count();
        match rest.get(marks + blank) {
            None | Some(b'\n') => self.at += marks + blank,
            Some(_) => self.literal(marks),
        }
    }
}
