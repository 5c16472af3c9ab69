//! White space, control characters and normal form.

use webtext::page::plain::{line, push_code, push_paragraph, push_row, to_nfc};

fn with(push: impl FnOnce(&mut String)) -> String {
    let mut out = String::from("|");
    push(&mut out);
    out
}

#[test]
fn a_line() {
    assert_eq!(line(" A\n\ttitle\0 with e\u{301} "), "A title with é");
    assert_eq!(line("one\u{a0}\u{3000}two\u{1c}\u{85}three\u{fffe}four"), "one two three four");
    assert_eq!(line("\0 \n"), "");
}

#[test]
fn a_paragraph() {
    let paragraph = |text| with(|out| push_paragraph(text, out));
    assert_eq!(paragraph("  many \t spaces\u{a0}here "), "|many spaces here");
    assert_eq!(paragraph(" one \n\n two\n"), "|one\ntwo");
    assert_eq!(paragraph("a\u{0}b\u{200c}c\rd"), "|ab\u{200c}c d");
    assert_eq!(paragraph(" \u{1} "), "|");
}

#[test]
fn a_block_of_code() {
    let code = |text| with(|out| push_code(text, out));
    assert_eq!(code("\n\nif a:\n    b()\n\tc | d \r\n\n"), "|if a:\n    b()\n\tc | d");
    assert_eq!(code("  indented"), "|  indented");
}

#[test]
fn a_row() {
    let row = |cells: &[&str]| with(|out| push_row(cells.iter().copied(), out));
    assert_eq!(row(&["a", "b"]), "|a\tb");
    assert_eq!(row(&["", " a\nb\tc ", "\u{0}", "d"]), "|a b c\td");
    assert_eq!(row(&["", " "]), "|");
}

#[test]
fn normal_form() {
    assert_eq!(to_nfc("cafe\u{301}".into()), "café");
    assert_eq!(to_nfc("plain".into()), "plain");
}
