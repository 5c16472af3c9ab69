//! The normaliser's laws; the slow twin is in `tests/python/test_words.py`.

use webtext::words::{self, Mode};

fn normalised(text: &str) -> String {
    let mut out = String::new();
    words::normalise_into(text.as_bytes(), Mode::Unicode, &mut out);
    out
}

#[test]
fn lower_case_is_that_of_unicode_17() {
    // Our table stays what it is. A compiler of another version knows more or fewer letters, but no
    // letter of both has another lower case in it: the standard promises that.
    let same = char::UNICODE_VERSION == words::UNICODE_VERSION;
    let mut compared = 0;
    for character in '\0'..=char::MAX {
        if character.is_alphabetic() && !"\u{130}ς".contains(character) {
            let lower: String = character.to_lowercase().collect();
            let ours = normalised(&character.to_string());
            if ours.is_empty() && !same {
                continue;
            }
            compared += 1;
            assert_eq!(normalised(&lower), ours, "{character:?}");
        }
    }
    assert!(compared > 130_000, "only {compared} letters were compared");
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

#[test]
fn fast_hashes_equal_the_slow_ones() {
    let pieces = [
        "a",
        "Word",
        "x1",
        "eightchr",
        "ninechars",
        "sixteencharsword",
        "SEVENTEENcharswor",
        " ",
        " ",
        "  ",
        ", ",
        "'",
        "’",
        "—",
        "é",
        "e\u{301}",
        "漢字",
        "Привет",
        "\u{ad}",
        "\n",
        "😀",
        "🦀",
        "\u{301}",
        "0",
        "42",
        "naïve",
        "Straße",
        "ÉTÉ",
        "ŝ",
        "ﬁn",
        "Ελλάδα",
        "क्ष",
        "'",
        ". The ",
        " of the ",
        "\u{2028}",
    ];
    let mut state = 1u64;
    let mut next = |limit: usize| {
        state = webtext::hash::finish(state.wrapping_add(webtext::hash::SEED));
        (state % limit as u64) as usize
    };
    for round in 0..3000 {
        let mut text = Vec::new();
        let rare = next(30); // how often a piece is not plain
        for _ in 0..next(400) {
            let piece = if next(30) < rare { pieces[next(pieces.len())] } else { "plain words " };
            text.extend_from_slice(piece.as_bytes());
            if round % 7 == 0 && next(50) == 0 {
                text.push(0x80 + next(128) as u8); // not UTF-8
            }
        }
        if round % 11 == 0 {
            text.extend(std::iter::repeat_n(b'z', next(9000)));
        }
        for mode in [Mode::Unicode, Mode::Ascii] {
            let (mut fast, mut slow) = (Vec::new(), Vec::new());
            words::hash_words(&text, mode, &mut fast);
            words::hash_words_slowly(&text, mode, &mut slow);
            assert_eq!(fast, slow, "{mode:?} {:?}", String::from_utf8_lossy(&text));
        }
    }
}
