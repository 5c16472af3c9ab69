//! The normaliser's laws; the slow twin is in `tests/python/test_words.py`.

use webtext::words::{self, Mode};

fn normalised(text: &str) -> String {
    let mut out = String::new();
    words::normalise_into(text.as_bytes(), Mode::Unicode, &mut out);
    out
}

#[test]
fn lower_case_is_that_of_unicode_17() {
    if char::UNICODE_VERSION.0 != words::UNICODE_VERSION.0 {
        return; // another compiler: our table stays what it is
    }
    for character in '\0'..=char::MAX {
        if character.is_alphabetic() && !"\u{130}ς".contains(character) {
            let lower: String = character.to_lowercase().collect();
            assert_eq!(normalised(&lower), normalised(&character.to_string()), "{character:?}");
        }
    }
}

#[test]
fn normalising_twice_changes_nothing() {
    for character in '\0'..=char::MAX {
        let once = normalised(&format!("a{character}\u{301} {character}"));
        assert_eq!(normalised(&once), once, "{character:?}");
    }
}

#[test]
fn spans_point_at_the_source() {
    let text = "Ab\u{ad}C  漢\u{301}x".as_bytes();
    let mut found = Vec::new();
    words::for_each_word(text, Mode::Unicode, |word, span| found.push((word.to_owned(), span)));
    let expected =
        [("abc".to_owned(), 0..5), ("漢\u{301}".to_owned(), 7..12), ("x".to_owned(), 12..13)];
    assert_eq!(found, expected);
}
