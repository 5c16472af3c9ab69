//! Pages to documents in batches.

use webtext::documents::{Columns, Engine, NO_DAY, NO_TIME, Response, documents};
use webtext::extract::Options;

/// Bodies with content type, address and time.
type Page<'a> = (&'a [u8], &'a str, &'a str, i64);

fn made(pages: &[Page<'_>], options: &Options) -> Columns {
    let responses: Vec<_> = pages
        .iter()
        .map(|&(body, content_type, url, fetched_at)| Response {
            body,
            content_type: content_type.as_bytes(),
            url: url.as_bytes(),
            fetched_at,
        })
        .collect();
    documents(&responses, Engine::Rules, options).expect("a thread starts")
}

fn html(word: &str) -> String {
    let text = format!("<p>The {word} went to the old town and spoke about its flour.</p>");
    format!(
        "<title>{word}</title><meta name=date content=2016-05-04><article>{}</article>",
        (0..12).map(|n| text.replace("old", &format!("{n} old"))).collect::<String>()
    )
}

fn text(columns: &Columns, row: usize) -> &str {
    let offsets = &columns.texts.offsets;
    &columns.texts.data[offsets[row] as usize..offsets[row + 1] as usize]
}

#[test]
fn a_row_has_text_title_language_date_and_charset() {
    let (one, latin) = (html("baker"), html("caf\u{e9}"));
    let latin: Vec<u8> = latin.chars().map(|character| character as u8).collect();
    let pages: [Page<'_>; 3] = [
        (one.as_bytes(), "", "http://a.test/1", NO_TIME),
        (b"", "", "", 0),
        (&latin, "text/html; charset=latin1", "", 0),
    ];
    let columns = made(&pages, &Options::default());
    assert_eq!(columns.outcomes, [0, 0, 0]);
    assert!(text(&columns, 0).starts_with("The baker went to the 0 old town"));
    assert_eq!(text(&columns, 1), "");
    assert!(text(&columns, 2).starts_with("The caf\u{e9} went"));
    assert_eq!(columns.titles.data, "bakercaf\u{e9}");
    assert_eq!(columns.languages.data, "enunden");
    assert_eq!(columns.charsets.data, "utf-8:asciiutf-8:asciiwindows-1252:http");
    // The date is later than the second capture, of 1970.
    assert_eq!(columns.published, [16_925, NO_DAY, NO_DAY]);
    // Any batch gives the same rows.
    let alone = made(&pages[2..], &Options::default());
    assert_eq!(text(&alone, 0), text(&columns, 2));
}

#[test]
fn a_costly_page_leaves_an_empty_row() {
    let (one, two) = (html("baker"), format!("{}{}", html("miller"), "<b></b>".repeat(9_000)));
    let pages: [Page<'_>; 2] =
        [(two.as_bytes(), "", "", NO_TIME), (one.as_bytes(), "", "", NO_TIME)];
    let options = Options { budget: 60_000, ..Options::default() };
    let columns = made(&pages, &options);
    assert_eq!(columns.outcomes, [1, 0]);
    assert_eq!((text(&columns, 0), columns.published[0]), ("", NO_DAY));
    assert!(text(&columns, 1).starts_with("The baker"));
}
