//! The scanners against a regex engine with the published patterns.

use crate::support::Random;
use fancy_regex::Regex;
use webtext::bpe::{Pattern, Pretokenizer};

/// The pieces of a text by the regular expression: the slow twin.
fn pieces_by_regex(regex: &Regex, text: &str) -> Vec<String> {
    regex.find_iter(text).map(|found| found.unwrap().as_str().to_owned()).collect()
}

/// The pieces of a text by the scanner, with and without its division into segments.
fn pieces(scanner: &mut Pretokenizer, text: &str) -> Vec<String> {
    let cut = |bytes: &[u8], ends: &[u32], out: &mut Vec<String>| {
        let mut start = 0;
        for &end in ends {
            out.push(String::from_utf8(bytes[start..end as usize].to_vec()).unwrap());
            start = end as usize;
        }
        assert_eq!(start, bytes.len(), "the pieces cover the text");
    };
    let (mut whole, mut segmented) = (Vec::new(), Vec::new());
    let ends = scanner.ends(text.as_bytes()).to_vec();
    cut(text.as_bytes(), &ends, &mut whole);
    scanner.segments(text.as_bytes(), |segment, ends| cut(segment, ends, &mut segmented));
    assert_eq!(whole, segmented, "segments change nothing");
    whole
}

fn compare(pattern: Pattern, regex: &Regex, scanner: &mut Pretokenizer, text: &str) {
    assert_eq!(pieces(scanner, text), pieces_by_regex(regex, text), "{pattern:?} {text:?}");
}

#[test]
fn scanners_agree_with_the_regex_on_every_scalar_value() {
    for pattern in Pattern::ALL {
        let regex = Regex::new(pattern.regex()).unwrap();
        let mut scanner = Pretokenizer::new(pattern);
        // Each among a letter, a number, a blank and a mark: every transition into and out of it.
        for scalars in (0..=0x10_FFFFu32).collect::<Vec<_>>().chunks(4096) {
            let mut text = String::new();
            for scalar in scalars.iter().filter_map(|&s| char::from_u32(s)) {
                text.extend(['a', scalar, scalar, '7', ' ', scalar, '!']);
            }
            compare(pattern, &regex, &mut scanner, &text);
        }
    }
}

#[test]
fn scanners_agree_with_the_regex_on_random_text() {
    let alphabets: [&[char]; 5] = [
        &['a', ' ', '\'', 's', 'l', 'L', 'e', 'v', 'r', 'ſ', 'd', 'm', 't', 'R', 'E'],
        &[' ', '\n', '\r', '\t', 'x', '.', '\u{a0}', '\u{3000}', '\u{85}', '/'],
        &['A', 'b', 'ǅ', 'ʰ', 'א', '\u{301}', ' ', '\'', 's', '1', '\u{200d}', '中'],
        &['1', '²', '٣', 'Ⅷ', ' ', 'a', '-', '½', '\n'],
        &['é', '中', '文', '。', '\u{3000}', ' ', '한', '😀', 'a', '7', '\u{1680}'],
    ];
    for pattern in Pattern::ALL {
        let regex = Regex::new(pattern.regex()).unwrap();
        let mut scanner = Pretokenizer::new(pattern);
        let mut random = Random::new(1);
        for round in 0..8_000u64 {
            let alphabet = alphabets[round as usize % alphabets.len()];
            let len = random.below(if round % 50 == 0 { 400 } else { 12 });
            let text: String =
                (0..len).map(|_| alphabet[random.below(alphabet.len() as u64) as usize]).collect();
            compare(pattern, &regex, &mut scanner, &text);
        }
    }
}

#[test]
fn scanners_agree_with_the_regex_across_segments() {
    let mut random = Random::new(2);
    let words = ["the", " cat", "'s", "\n\n", "  ", " 12345", "don't", "…", "中文", "/", "\t", "X"];
    let text: String =
        (0..30_000).map(|_| words[random.below(words.len() as u64) as usize]).collect();
    for pattern in Pattern::ALL {
        let regex = Regex::new(pattern.regex()).unwrap();
        compare(pattern, &regex, &mut Pretokenizer::new(pattern), &text);
    }
}

#[test]
fn bytes_that_are_not_utf8_count_as_other_characters() {
    for pattern in Pattern::ALL {
        let mut scanner = Pretokenizer::new(pattern);
        for (bytes, same_as) in [
            (&b"ab\xFFcd \xC3 x"[..], "ab!cd ! x"),
            (b"\xE4\xB8", "!!"),
            (b"a\xED\xA0\x80b", "a!!!b"),
            (b"\xF8\x80\x80\x80\x80 \xC0\x80", "!!!!! !!"),
            (b"\xF4\x90\x80\x80z", "!!!!z"),
        ] {
            let found = scanner.ends(bytes).to_vec();
            assert_eq!(found, scanner.ends(same_as.as_bytes()), "{pattern:?} {bytes:?}");
        }
    }
}

#[test]
fn gpt2_pieces_as_published() {
    let mut scanner = Pretokenizer::new(Pattern::Gpt2);
    assert_eq!(
        pieces(&mut scanner, "I've  been 2x  there,\n\nit'll do! "),
        [
            "I", "'ve", " ", " been", " 2", "x", " ", " there", ",", "\n", "\n", "it", "'ll",
            " do", "!", " "
        ]
    );
}
