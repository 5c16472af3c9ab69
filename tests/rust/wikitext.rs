//! The cleaner's laws; what goes and stays is in `tests/python/wikipedia/test_wikitext.py`.

use webtext::hash;
use webtext::wikitext::{plain, plain_rows};

const MARKS: [&str; 32] = [
    "{{",
    "}}",
    "[[",
    "]]",
    "{|",
    "\n{|",
    "\n|}",
    "|",
    "\n",
    "=",
    "'",
    "'''",
    "<ref>",
    "</ref>",
    "<!--",
    "-->",
    "<nowiki>",
    "</nowiki>",
    "<table>",
    "</table>",
    "<br/>",
    "&amp;",
    "&#x41;",
    "__TOC__",
    "[http://a ",
    "]",
    "File:",
    "fr:",
    "*",
    "Ä",
    "漢",
    "word ",
];

fn made(seed: u64) -> String {
    let mut state = seed;
    let mut next = |limit: usize| {
        state = hash::finish(state.wrapping_add(hash::SEED));
        (state % limit as u64) as usize
    };
    (0..next(200)).map(|_| MARKS[next(MARKS.len())]).collect()
}

#[test]
fn any_page_gives_a_text_and_rows_are_their_pages() {
    let pages: Vec<String> = (0..3000).map(made).collect();
    let mut offsets = vec![0];
    for page in &pages {
        offsets.push(offsets[offsets.len() - 1] + page.len() as i64);
    }
    let (bounds, texts) = plain_rows(&offsets, pages.concat().as_bytes());
    for (page, bound) in pages.iter().zip(bounds.windows(2)) {
        let text = plain(page);
        assert_eq!(text.as_bytes(), &texts[bound[0] as usize..bound[1] as usize]);
        assert!(text.len() <= page.len() + 1, "{page:?}");
    }
}

#[test]
fn words_between_whole_marks_stay_in_order() {
    let whole =
        ["{{a|b}}", "[[c|%]]", "'''%'''", "<ref>d</ref>", "<!-- e -->", "<b>%</b>", "\n* %"];
    for seed in 0..500 {
        let mut expected = Vec::new();
        let mut page = String::new();
        for step in 0..40 {
            let word = format!("w{seed}x{step}");
            let mark = whole[(hash::finish(seed * 100 + step) % whole.len() as u64) as usize];
            page += &mark.replace('%', &word);
            page.push(' ');
            if mark.contains('%') {
                expected.push(word);
            }
        }
        let text = plain(&page);
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), expected, "{page}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_replaced() {
    let (bounds, texts) = plain_rows(&[0, 3, 3, 6], b"a\xffb[[c");
    assert_eq!(bounds, [0, 5, 5, 6]);
    assert_eq!(texts, "a\u{fffd}bc".as_bytes());
}
