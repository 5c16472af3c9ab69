//! The encoder against twenty obvious lines, and its laws.

use crate::support::Random;
use std::path::Path;
use webtext::bpe::vocabulary::{Added, Merges, from_tiktoken, from_vocab_and_merges};
use webtext::bpe::{
    Encoder, Pattern, PieceCounter, Pretokenizer, Sequence, Texts, TokenWriter, TrainOptions,
    Vocabulary, train,
};

/// A vocabulary learnt from random words, through its Rust form alone.
fn learnt(seed: u64, vocab_size: usize) -> Vocabulary {
    let mut random = Random::new(seed);
    let text: String = (0..20_000)
        .map(|_| match random.below(9) {
            0 => ' ',
            1 => ['é', '中', '文', '-', '\n'][random.below(5) as usize],
            _ => (b'a' + random.below(5) as u8) as char,
        })
        .collect();
    let mut counter = PieceCounter::new(Pattern::Gpt2, Sequence::Document, vec![]);
    let offsets = [0, text.len() as i64];
    counter.count(Texts { data: text.as_bytes(), offsets: &offsets }, 1, &mut || true).unwrap();
    let options = TrainOptions { vocab_size, min_frequency: 2 };
    let learned = train(counter.finish(), options, &mut |_| true).unwrap();
    Vocabulary {
        added: vec![Added::special(("<|endoftext|>".into(), learned.tokens.len() as u32))],
        tokens: learned.tokens.into_iter().map(Some).collect(),
        merges: Merges::Listed(learned.merges),
        pattern: Pattern::Gpt2,
        whole_first: false,
    }
}

/// The slow twin: try the merges in the order of their ranks, each as often as it occurs.
fn slow_encode(vocabulary: &Vocabulary, text: &[u8]) -> Vec<u32> {
    let Merges::Listed(merges) = &vocabulary.merges else { panic!("listed merges expected") };
    let byte = |b: &u8| {
        vocabulary.tokens.iter().position(|t| t.as_deref() == Some(&[*b][..])).unwrap() as u32
    };
    let mut ids = Vec::new();
    let mut start = 0;
    for &end in Pretokenizer::new(vocabulary.pattern).ends(text) {
        let mut piece: Vec<u32> = text[start..end as usize].iter().map(byte).collect();
        start = end as usize;
        for &(left, right, new) in merges {
            let mut i = 0;
            while i + 1 < piece.len() {
                if (piece[i], piece[i + 1]) == (left, right) {
                    piece.splice(i..i + 2, [new]);
                }
                i += 1;
            }
        }
        ids.extend(piece);
    }
    ids
}

fn random_text(random: &mut Random) -> Vec<u8> {
    let len = match random.below(10) {
        0 => 3000,
        1..4 => 200,
        _ => 40,
    };
    let blanks = random.below(2) == 0;
    (0..random.below(len))
        .flat_map(|_| {
            match random.below(12) {
                0 if blanks => " ".into(),
                1 => ["é", "中", "文", "-", "\n", "x"][random.below(6) as usize].to_string(),
                _ => ((b'a' + random.below(5) as u8) as char).to_string(),
            }
            .into_bytes()
        })
        .collect()
}

#[test]
fn ids_equal_the_slow_twin_cold_and_warm() {
    let vocabulary = learnt(1, 700);
    let encoder = Encoder::new(vocabulary.clone());
    let mut random = Random::new(2);
    for _ in 0..400 {
        let text = random_text(&mut random);
        let expected = slow_encode(&vocabulary, &text);
        assert_eq!(encoder.encode(&text, false), expected);
        assert_eq!(encoder.encode(&text, false), expected, "from the cache");
    }
}

#[test]
fn decoding_gives_the_bytes_back() {
    let encoder = Encoder::new(learnt(3, 500));
    let mut random = Random::new(4);
    for _ in 0..300 {
        let text: Vec<u8> = (0..random.below(500)).map(|_| random.below(256) as u8).collect();
        for allow_special in [false, true] {
            let ids = encoder.encode(&text, allow_special);
            assert_eq!(encoder.decode(ids.into_iter()).unwrap(), text);
        }
    }
    let error = encoder.decode([1 << 19].into_iter()).unwrap_err().to_string();
    assert!(error.contains("id 524288 stands for no token"), "{error}");
}

#[test]
fn a_batch_equals_its_texts_one_by_one_on_any_number_of_threads() {
    let encoder = Encoder::new(learnt(5, 600));
    let mut random = Random::new(6);
    let mut texts: Vec<Vec<u8>> = (0..500).map(|_| random_text(&mut random)).collect();
    // Texts that are divided among threads, beside each other and at the end.
    for at in [10, 11, 400, 500] {
        texts.insert(
            at,
            (0..400).flat_map(|_| [random_text(&mut random), b"a ".to_vec()].concat()).collect(),
        );
    }
    texts.insert(200, vec![]);
    texts[10] = texts[10].repeat(12);
    texts[11] = texts[11].repeat(12);
    let last = texts.len() - 1;
    texts[last] = texts[last].repeat(12);
    let mut offsets = vec![0];
    offsets.extend(texts.iter().scan(0, |end, text| {
        *end += text.len() as i64;
        Some(*end)
    }));
    let data = texts.concat();
    let all = Texts { data: &data, offsets: &offsets };
    for threads in [1, 4] {
        let batch = encoder
            .encode_batch::<u16>(all, Some(599), false, threads, Vec::new(), &mut || true)
            .unwrap();
        assert_eq!(batch.offsets.len(), texts.len() + 1);
        for (i, text) in texts.iter().enumerate() {
            let ids = &batch.ids[batch.offsets[i] as usize..batch.offsets[i + 1] as usize];
            let mut expected = vec![599];
            expected.extend(encoder.encode(text, false));
            assert!(ids.iter().map(|&id| id as u32).eq(expected), "text {i}");
        }
    }
}

#[test]
fn the_pair_of_the_largest_ids_is_no_empty_place() {
    // `b c` sets the bit that says that `a a` may be known; its place is empty all the same.
    let last = (1 << 20) - 1;
    let mut ids: Vec<(Vec<u8>, u32)> = (0..=255u8).map(|byte| (vec![byte], byte as u32)).collect();
    for (byte, id) in [(b'a', last), (b'b', 8406), (b'c', 8407)] {
        ids[byte as usize].1 = id;
    }
    ids.extend([(b"bc".to_vec(), 299), (b"ba".to_vec(), 300), (b"baa".to_vec(), 301)]);
    let mut tokens = vec![None; 1 << 20];
    for (token, id) in ids {
        tokens[id as usize] = Some(token.into());
    }
    let vocabulary = Vocabulary {
        added: vec![],
        tokens,
        merges: Merges::Listed(vec![(8406, 8407, 299), (8406, last, 300), (300, last, 301)]),
        pattern: Pattern::Gpt2,
        whole_first: false,
    };
    let encoder = Encoder::new(vocabulary.clone());
    for text in [&b"aa"[..], b"aaaa", b"baaa", b"bcaa"] {
        assert_eq!(encoder.encode(text, false), slow_encode(&vocabulary, text));
    }
}

#[test]
fn a_token_file_that_was_interrupted_is_not_finished() {
    let encoder = Encoder::new(learnt(11, 400));
    let path = std::env::temp_dir().join(format!("webtext-tokens-{}", std::process::id()));
    let (names, text) = (b"one".as_slice(), b"ab cd ab".as_slice());
    let names = Texts { data: names, offsets: &[0, 3] };
    let text = Texts { data: text, offsets: &[0, 8] };
    let mut writer = TokenWriter::<u16>::new(&path).unwrap();
    writer.append(&encoder, names, text, 0, 1, &mut || true).unwrap();
    assert!(writer.append(&encoder, names, text, 0, 1, &mut || false).is_err());
    let again = writer.append(&encoder, names, text, 0, 1, &mut || true).unwrap_err().to_string();
    assert!(again.contains("cannot be continued"), "{again}");
    assert!(writer.finish(&[]).unwrap_err().to_string().contains("cannot be continued"));
    let mut writer = TokenWriter::<u16>::new(&path).unwrap();
    let wide = writer.append(&encoder, names, text, u32::MAX, 1, &mut || true).unwrap_err();
    assert!(wide.to_string().contains("16 bits"), "{wide}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn special_tokens_are_text_unless_allowed() {
    let vocabulary = learnt(7, 400);
    let special = vocabulary.added[0].id;
    let encoder = Encoder::new(vocabulary);
    let text = b"ab<|endoftext|>cd<|endoftext|>";
    assert!(!encoder.encode(text, false).contains(&special));
    let ids = encoder.encode(text, true);
    assert_eq!(ids.iter().filter(|&&id| id == special).count(), 2);
    assert_eq!(encoder.decode(ids.into_iter()).unwrap(), text);
}

#[test]
fn a_long_piece_takes_no_more_than_n_log_n() {
    let vocabulary = learnt(8, 700);
    let encoder = Encoder::new(vocabulary.clone());
    let mut random = Random::new(9);
    let piece: Vec<u8> = (0..80_000).map(|_| b'a' + random.below(5) as u8).collect();
    assert_eq!(encoder.encode(&piece[..2000], false), slow_encode(&vocabulary, &piece[..2000]));
    let same = b"a".repeat(2000);
    assert_eq!(encoder.encode(&same, false), slow_encode(&vocabulary, &same));
    // Hours if it were quadratic; here it is a moment.
    let long = piece.repeat(8);
    assert_eq!(encoder.decode(encoder.encode(&long, false).into_iter()).unwrap(), long);
}

#[test]
fn vocabularies_that_make_no_sense_are_refused() {
    let path = Path::new("v");
    let alphabet: Vec<String> = (0..256u32)
        .map(|b| {
            let visible = matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
            let hidden = (0..b).filter(|b| !matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF));
            let scalar = if visible { b } else { 256 + hidden.count() as u32 };
            char::from_u32(scalar).unwrap().to_string().replace('\\', "\\\\").replace('"', "\\\"")
        })
        .collect();
    let vocab = |entries: &[String], extra: &str| {
        let listed = entries.iter().enumerate().map(|(id, c)| format!("\"{c}\":{id}"));
        format!("{{{}{extra}}}", listed.collect::<Vec<_>>().join(","))
    };
    let refused = |vocab: &str, merges: &str| {
        let read = from_vocab_and_merges(
            (vocab.as_bytes(), path),
            (merges.as_bytes(), Path::new("m")),
            Pattern::Gpt2,
        );
        read.map(|_| ()).unwrap_err().to_string()
    };
    let good = vocab(&alphabet, ",\"ab\":256");
    let read = from_vocab_and_merges(
        (good.as_bytes(), path),
        (b"#version: 0.2\na b\n", path),
        Pattern::Gpt2,
    );
    assert_eq!(read.unwrap().merges, Merges::Listed(vec![(b'a' as u32, b'b' as u32, 256)]));
    for (vocab, merges, message) in [
        ("", "", "not a vocab.json"),
        ("[]", "", "an object of tokens and ids was expected"),
        (&vocab(&alphabet[1..], ""), "", "byte 0x00 has no token"),
        (&good, "a b\nab c\n", "`m`: merge 1 needs `abc`, which is not in the vocabulary"),
        (&good, "a\n", "merge 0 is not a pair of tokens"),
        (&good, "a \u{4e2d}\n", "is not in GPT-2's byte alphabet"),
        (&vocab(&alphabet, ",\"ab\":3"), "a b", "id 3 stands for two tokens"),
        (&vocab(&alphabet, ",\"ab\":-3"), "a b", "an id that is no 32-bit number"),
        (&vocab(&alphabet, ",\"ab\":4000000"), "a b", "ids must be below 1048576"),
    ] {
        let found = refused(vocab, merges);
        assert!(found.contains(message), "{found:?} should say {message:?}");
    }
    for (content, message) in [
        (&b"IQ== 0\n"[..], "byte 0x00 has no token"),
        (b"IQ==\n", "at byte 0: a token in base64"),
        (b"IQ== 0\n!! 1\n", "at byte 7: the token is not base64"),
        (b"IQ== x\n", "the rank is not a number"),
        (b"IQ== 0\nIQ== 1\n", "tokens 0 and 1 have the same bytes"),
    ] {
        let found = from_tiktoken(content, path, Pattern::Gpt2, vec![]).map(|_| ()).unwrap_err();
        assert!(found.to_string().contains(message), "{found} should say {message}");
    }
}
