//! Batches.

use webtext::extract::batch::{Outcome, Source, each_row, extract_rows};
use webtext::extract::{Extracted, Options, extract};
use webtext::html::{Limits, TooCostly};

fn column<T: AsRef<[u8]>>(rows: &[T]) -> (Vec<i64>, Vec<u8>) {
    let mut offsets = vec![0];
    let mut data = Vec::new();
    for row in rows {
        data.extend_from_slice(row.as_ref());
        offsets.push(data.len() as i64);
    }
    (offsets, data)
}

fn page(word: &str) -> String {
    format!("<article><p>{word} {}</p><p>and {word}</p></article>", "text ".repeat(60))
}

#[test]
fn rows_are_what_pages_give_one_by_one_in_any_batch() {
    let pages: Vec<String> = ["a", "b", "c"].iter().map(|word| page(word)).collect();
    let options = Options::default();
    let alone: Vec<String> =
        pages.iter().map(|page| extract(page, &options).expect("cheap").text).collect();
    let (offsets, data) = column(&pages);
    let columns = extract_rows(&offsets, &data, Source::Text, &options).expect("rows");
    assert_eq!(columns.texts, alone.concat());
    assert_eq!(columns.outcomes, [0, 0, 0]);
    let (offsets, data) = column(&pages[1..2]);
    let columns = extract_rows(&offsets, &data, Source::Text, &options).expect("rows");
    assert_eq!((columns.texts, columns.text_offsets.len()), (alone[1].clone(), 2));
}

#[test]
fn responses_are_decoded_and_text_is_not() {
    let body: Vec<u8> = page("caf\u{e9}").chars().map(|c| c as u8).collect();
    let (offsets, data) = column(&[&body]);
    let (types, kinds) = column(&["text/html; charset=iso-8859-1"]);
    let source = Source::Response { offsets: &types, data: &kinds };
    let columns = extract_rows(&offsets, &data, source, &Options::default()).expect("rows");
    assert!(columns.texts.starts_with("caf\u{e9} text"));
    let columns = extract_rows(&offsets, &data, Source::Text, &Options::default()).expect("rows");
    assert!(columns.texts.starts_with("caf\u{fffd} text"));
    let source = Source::Response { offsets: &[0], data: &[] };
    assert!(extract_rows(&offsets, &data, source, &Options::default()).is_err());
}

#[test]
fn a_crash_and_a_costly_page_cost_themselves_alone() {
    let work = |row| match row {
        1 => panic!("a bug that this test made up"),
        2 => Err(TooCostly),
        _ => Ok(Extracted { text: format!("row {row}") }),
    };
    let columns = each_row(4, work).expect("a thread");
    let ends = [Outcome::Done, Outcome::Crash, Outcome::TooCostly, Outcome::Done];
    assert_eq!(columns.outcomes, ends.map(|end| end as u8));
    assert_eq!(columns.texts, "row 0row 3");
    assert_eq!(columns.text_offsets, [0, 5, 5, 5, 10]);
}

#[test]
fn budgets_and_limits_make_a_page_too_costly() {
    let (offsets, data) = column(&[page("a")]);
    let cheap = Options { budget: 200, ..Options::default() };
    let small = Options { limits: Limits { nodes: 5, ..Limits::default() }, ..Options::default() };
    for options in [cheap, small] {
        let columns = extract_rows(&offsets, &data, Source::Text, &options).expect("rows");
        assert_eq!(columns.outcomes, [Outcome::TooCostly as u8]);
        assert_eq!(columns.texts, "");
    }
}
