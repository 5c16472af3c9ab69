//! The incremental trainer against twenty obvious lines.

use crate::support::Random;
use std::collections::BTreeMap;
use webtext::bpe::train::byte_order;
use webtext::bpe::{Pattern, PieceCounter, Pretokenizer, Sequence, Texts, TrainOptions, train};

/// Merges as strings of bytes, by counting every pair again before every merge.
///
/// Right as long as no string is made twice, which `None` reports.
fn slow_train(texts: &[String], vocab_size: usize, min_frequency: u64) -> Option<Vec<(u32, u32)>> {
    let order = byte_order();
    let mut counts: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
    let mut scanner = Pretokenizer::new(Pattern::Gpt2);
    for text in texts {
        let mut start = 0;
        for &end in scanner.ends(text.as_bytes()) {
            let piece = &text.as_bytes()[start..end as usize];
            let ids = piece.iter().map(|b| order.iter().position(|o| o == b).unwrap() as u32);
            *counts.entry(ids.collect()).or_default() += 1;
            start = end as usize;
        }
    }
    let mut words: Vec<(Vec<u32>, u64)> = counts.into_iter().collect();
    let mut tokens: Vec<Vec<u8>> = order.iter().map(|&b| vec![b]).collect();
    let mut merges = Vec::new();
    while tokens.len() < vocab_size {
        let mut pairs: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (word, count) in &words {
            word.windows(2).for_each(|w| *pairs.entry((w[0], w[1])).or_default() += count);
        }
        // The highest count; among equals the first, which is the smallest pair.
        let Some((&pair, &count)) = pairs.iter().rev().max_by_key(|entry| entry.1) else { break };
        if count < min_frequency.max(1) {
            break;
        }
        let token = [&tokens[pair.0 as usize][..], &tokens[pair.1 as usize]].concat();
        if tokens.contains(&token) {
            return None;
        }
        let new = tokens.len() as u32;
        tokens.push(token);
        merges.push(pair);
        for (word, _) in &mut words {
            let mut i = 0;
            while i + 1 < word.len() {
                if (word[i], word[i + 1]) == pair {
                    word.splice(i..i + 2, [new]);
                }
                i += 1;
            }
        }
    }
    Some(merges)
}

fn fast_train(
    texts: &[String],
    vocab_size: usize,
    min_frequency: u64,
    threads: usize,
) -> Vec<(u32, u32)> {
    let mut data = Vec::new();
    let mut offsets = vec![0];
    for text in texts {
        data.extend_from_slice(text.as_bytes());
        offsets.push(data.len() as i64);
    }
    let mut counter = PieceCounter::new(Pattern::Gpt2, Sequence::Document, vec![]);
    counter.count(Texts { data: &data, offsets: &offsets }, threads, &mut || true).unwrap();
    let options = TrainOptions { vocab_size, min_frequency };
    let learned = train(counter.finish(), options, &mut |_| true).unwrap();
    learned.merges.iter().map(|merge| (merge.0, merge.1)).collect()
}

#[test]
fn merges_equal_the_slow_twin_on_texts_full_of_ties() {
    let mut random = Random::new(3);
    let (mut compared, mut made_twice) = (0, 0);
    for round in 0..600 {
        let letters = 2 + random.below(5) as u8;
        let texts: Vec<String> = (0..1 + random.below(4))
            .map(|_| {
                let len = random.below(60) + 1;
                let draw = |random: &mut Random| match random.below(8) {
                    0 => ' ',
                    1 if round % 3 == 0 => 'é',
                    _ => (b'a' + random.below(letters as u64) as u8) as char,
                };
                (0..len).map(|_| draw(&mut random)).collect()
            })
            .collect();
        let vocab_size = 256 + random.below(40) as usize;
        let min_frequency = random.below(4);
        match slow_train(&texts, vocab_size, min_frequency) {
            Some(expected) => {
                let found = fast_train(&texts, vocab_size, min_frequency, 1);
                assert_eq!(found, expected, "{vocab_size} {min_frequency} {texts:?}");
                compared += 1;
            }
            None => made_twice += 1,
        }
    }
    assert!(compared > 400, "{compared} compared, {made_twice} with a string made twice");
}

#[test]
fn threads_and_order_change_nothing() {
    let mut random = Random::new(4);
    let words: Vec<String> = (0..3000)
        .map(|_| {
            (0..random.below(9) + 1).map(|_| (b'a' + random.below(12) as u8) as char).collect()
        })
        .collect();
    let mut texts: Vec<String> = (0..400)
        .map(|_| {
            let mut text = String::new();
            for _ in 0..1200 {
                text += " ";
                text += &words[(random.below(3000) * random.below(3000) / 3000) as usize];
            }
            text
        })
        .collect();
    let expected = fast_train(&texts, 3000, 2, 1);
    assert!(expected.len() > 2500);
    assert_eq!(fast_train(&texts, 3000, 2, 7), expected);
    texts.reverse();
    assert_eq!(fast_train(&texts, 3000, 2, 3), expected);
    // One text of the same sequences' pieces: a blank starts each.
    assert_eq!(fast_train(&[texts.concat()], 3000, 2, 2), expected);
}

#[test]
fn wide_symbols_give_the_merges_of_narrow_ones() {
    let mut random = Random::new(5);
    let texts: Vec<String> = (0..200)
        .map(|_| (0..300).map(|_| (b'a' + random.below(26) as u8) as char).collect())
        .collect();
    let narrow = fast_train(&texts, 1 << 16, 2, 1);
    let wide = fast_train(&texts, (1 << 16) + 1, 2, 1);
    assert_eq!(narrow, wide);
    assert!(narrow.len() > 1000);
}
