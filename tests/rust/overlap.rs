//! The index: same bytes however it is built, nothing lost, its rate as computed; the scan against
//! a slow twin.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use crate::support::{Folder, column};
use sha2::{Digest, Sha256};
use webtext::hash::{SEED, finish, word_hash};
use webtext::overlap::builder::{Builder, LEAST_MEMORY, Parameters};
use webtext::overlap::file::{self, Header, Index};
use webtext::overlap::ngrams::Scratch;
use webtext::overlap::scan::Scanner;
use webtext::overlap::set::{NO_NGRAM, NgramSet};
use webtext::overlap::{check, sketch};
use webtext::words::{self, Mode};
use webtext::{Error, Result};

struct Random(u64);

impl Random {
    fn next(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(SEED);
        (finish(self.0) % limit as u64) as usize
    }

    fn text(&mut self, words: usize, vocabulary: usize) -> String {
        (0..words).map(|_| format!("w{} ", self.next(vocabulary))).collect()
    }
}

fn parameters(folder: &Path, memory: u64, threads: usize, capacity: Option<u64>) -> Parameters {
    let spill_folder = folder.to_owned();
    Parameters { n: 8, mode: Mode::Unicode, rate: 1e-8, capacity, memory, threads, spill_folder }
}

fn build(texts: &[String], path: &Path, parameters: Parameters) -> Result<Header> {
    let mut builder = Builder::new(parameters)?;
    for part in texts.chunks(7) {
        let (offsets, data) = column(part);
        builder.add_rows(&offsets, &data)?;
    }
    builder.finish(path, "{}".into(), &|| false)
}

/// A builder's keys in a file.
fn save(texts: &[String], path: &Path, parameters: Parameters) {
    let mut builder = Builder::new(parameters).unwrap();
    builder.spill_to(path).unwrap();
    for part in texts.chunks(7) {
        let (offsets, data) = column(part);
        builder.add_rows(&offsets, &data).unwrap();
    }
    builder.save().unwrap();
}

fn keys(texts: &[String]) -> Vec<u64> {
    let mut scratch = Scratch::default();
    let mut all = Vec::new();
    for text in texts {
        scratch.fill(text.as_bytes(), Mode::Unicode, 8);
        all.extend_from_slice(&scratch.keys);
    }
    all
}

fn corpus(seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    (0..60).map(|_| random.text(6000, 5000)).collect()
}

#[test]
fn bytes_do_not_depend_on_memory_or_threads_and_nothing_is_lost() {
    let folder = Folder::new("build");
    let texts = corpus(1);
    let keys = keys(&texts);
    let distinct = keys.iter().collect::<HashSet<_>>().len();
    let path = folder.0.join("a.bloom");
    let header = build(&texts, &path, parameters(&folder.0, 1 << 30, 1, None)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len() as u64, header.file_bytes());
    assert_eq!(header.ngrams as usize, keys.len());
    let error = header.distinct as f64 / distinct as f64 - 1.0;
    assert!(error.abs() < 5.0 * sketch::STANDARD_ERROR, "{error}");
    assert!(header.expected_rate < 1e-8 && header.expected_rate > 1e-10);
    for (threads, memory) in [(2, 1 << 30), (1, LEAST_MEMORY), (3, LEAST_MEMORY), (2, 5 << 20)] {
        let other = folder.0.join("b.bloom");
        let parameters = parameters(&folder.0, memory, threads, None);
        build(&texts, &other, parameters).unwrap();
        assert!(std::fs::read(&other).unwrap() == bytes, "{threads} threads, {memory} bytes");
    }
    let index = Index::open(&path).unwrap();
    index.verify(2, &|| false).unwrap();
    assert_eq!(index.header(), &header);
    assert_eq!(index.query(&keys).len(), keys.len(), "a false negative");
    let leftovers: Vec<_> = std::fs::read_dir(&folder.0).unwrap().collect();
    assert_eq!(leftovers.len(), 2, "{leftovers:?}");
}

#[test]
fn files_of_keys_give_the_bytes_of_one_pass_and_are_whole_or_refused() {
    let folder = Folder::new("keys");
    let texts = corpus(3);
    let (whole, path) = (folder.0.join("whole.bloom"), folder.0.join("parts.bloom"));
    build(&texts, &whole, parameters(&folder.0, 1 << 30, 2, None)).unwrap();
    for (share, memory) in [(60, 1 << 30), (30, LEAST_MEMORY), (7, 5 << 20)] {
        let mut builder = Builder::new(parameters(&folder.0, memory, 2, None)).unwrap();
        for (number, part) in texts.chunks(share).enumerate() {
            let file = folder.0.join(format!("{number}.keys"));
            save(part, &file, parameters(&folder.0, memory, 1, None));
            let first = std::fs::read(&file).unwrap();
            save(part, &file, parameters(&folder.0, memory, 1, None));
            assert!(std::fs::read(&file).unwrap() == first, "a second attempt");
            builder.add_saved(&file).unwrap();
        }
        builder.finish(&path, "{}".into(), &|| false).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(&whole).unwrap(), "{share}");
    }
    let file = folder.0.join("0.keys");
    let bytes = std::fs::read(&file).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        let mut builder = Builder::new(parameters(&folder.0, 1 << 30, 1, None)).unwrap();
        matches!(builder.add_saved(&file), Err(Error::Format { .. } | Error::InvalidParameter(_)))
    };
    assert!(!refused(&bytes));
    for end in [0, 63, bytes.len() - 8, bytes.len() - 1] {
        assert!(refused(&bytes[..end]));
    }
    assert!(refused(&bytes[8..]));
    for place in (bytes.len() - 64..bytes.len()).step_by(8) {
        let mut other = bytes.clone();
        other[place + 6] ^= 1; // a number of the tail, beyond all that can be
        let documents_or_words = (bytes.len() - place) / 8 == 4 || (bytes.len() - place) / 8 == 3;
        assert_eq!(refused(&other), !documents_or_words, "{place}");
    }
}

#[test]
fn small_memory_makes_many_segments() {
    let folder = Folder::new("segments");
    let mut builder = Builder::new(parameters(&folder.0, LEAST_MEMORY, 2, None)).unwrap();
    let (offsets, data) = column(&corpus(1));
    builder.add_rows(&offsets, &data).unwrap();
    let plan = builder.plan().unwrap();
    assert!(plan.segments >= 3 && plan.spilled_bytes > 0, "{plan:?}");
}

#[test]
fn merged_parts_equal_the_whole() {
    let folder = Folder::new("merge");
    let texts = corpus(2);
    let make = |name: &str, texts: &[String], capacity| {
        let path = folder.0.join(name);
        build(texts, &path, parameters(&folder.0, 1 << 30, 2, Some(capacity))).unwrap();
        path
    };
    let parts = [make("a", &texts[..20], 400_000), make("b", &texts[20..], 400_000)];
    let whole = make("whole", &texts, 400_000);
    let merged = folder.0.join("merged");
    file::merge(&parts, &merged, "{}".into(), 2, &|| false).unwrap();
    assert!(std::fs::read(merged).unwrap() == std::fs::read(whole).unwrap());
    let other = make("other", &texts[..20], 500_000);
    let refused =
        file::merge(&[parts[0].clone(), other], &folder.0.join("x"), "{}".into(), 2, &|| false);
    assert!(matches!(refused, Err(Error::InvalidParameter(m)) if m.contains("differ in blocks")));
    // Parts that each fit, and whose union does not: refused, and nothing is left behind.
    let parts: Vec<PathBuf> =
        (0..12).map(|part| make(&format!("full{part}"), &corpus(100 + part), 400_000)).collect();
    let refused = file::merge(&parts, &folder.0.join("y"), "{}".into(), 2, &|| false);
    assert!(matches!(refused, Err(Error::InvalidParameter(m)) if m.contains("sized for 400000")));
    assert!(!folder.0.join("y").exists());
}

#[test]
fn more_than_the_capacity_is_refused() {
    let folder = Folder::new("capacity");
    let path = folder.0.join("a");
    let refused = build(&corpus(3), &path, parameters(&folder.0, 1 << 30, 1, Some(100_000)));
    assert!(matches!(refused, Err(Error::InvalidParameter(m)) if m.contains("to hold 100000")));
    assert!(!path.exists());
}

#[test]
fn measured_rate_is_the_computed_one() {
    let folder = Folder::new("rate");
    let path = folder.0.join("a");
    // A bound of 2e-3, so that false positives can be counted; 1e-3 at full load.
    let parameters = Parameters { rate: 2e-3, ..parameters(&folder.0, 1 << 30, 2, None) };
    let header = build(&corpus(4), &path, parameters).unwrap();
    let index = Index::open(&path).unwrap();
    let probes = 2_000_000;
    for seed in [1, 2] {
        let hits = check::random_keys(&index, probes, seed, 2, &|| false).unwrap() as f64;
        let expected = header.expected_rate * probes as f64;
        assert!((hits - expected).abs() < 5.0 * expected.sqrt(), "{hits}, {expected} expected");
        let threads = check::random_keys(&index, probes, seed, 1, &|| false).unwrap() as f64;
        assert_eq!(hits, threads);
    }
    let hits = check::random_strings(&index, 200_000, 3) as f64;
    let expected = header.expected_rate * 200_000.0;
    assert!((hits - expected).abs() < 5.0 * expected.sqrt(), "{hits}, {expected} expected");
    assert_eq!(index.check_record(), None);
    let record = file::CheckRecord { probes, hits: 5, seed: 7, report_probes: 1, report_hits: 0 };
    index.store_check(&record).unwrap();
    let again = Index::open(&path).unwrap();
    assert_eq!(again.check_record(), Some(record));
    again.verify(1, &|| false).unwrap();
}

#[test]
fn damaged_files_are_refused() {
    let folder = Folder::new("damage");
    let path = folder.0.join("a");
    build(&corpus(5)[..3], &path, parameters(&folder.0, 1 << 30, 1, None)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let opened = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        Index::open(&path)
            .and_then(|index| index.verify(1, &|| false))
            .err()
            .map(|error| error.to_string())
    };
    let damaged = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    // A header whose digest is right, with another n.
    let forged = |n: u32| {
        let mut bytes = whole.clone();
        bytes[12..16].copy_from_slice(&n.to_le_bytes());
        let digest = Sha256::digest(&bytes[..2016]);
        bytes[2016..2048].copy_from_slice(&digest);
        bytes
    };
    assert_eq!(opened(&whole), None);
    for (bytes, expected) in [
        (whole[..100].to_vec(), "too short"),
        (whole[..5000].to_vec(), "cut or corrupt"),
        (whole[..whole.len() - 1].to_vec(), "cut or corrupt"),
        ([&whole[..], b"x"].concat(), "cut or corrupt"),
        (damaged(0), "another magic"),
        (damaged(8), "format 0"),
        (damaged(12), "header is corrupt"),
        (forged(0), "n is 0"),
        (forged(u32::MAX), "1 to 64 was expected"),
        (damaged(5000), "filter is corrupt"),
        (damaged(whole.len() - 1000), "filter is corrupt"),
        (damaged(whole.len() - 1), "metadata is corrupt"),
    ] {
        let found = opened(&bytes).unwrap_or_default();
        assert!(found.contains(expected), "{found:?}, {expected:?} expected");
    }
}

fn split(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    words::for_each_word(text.as_bytes(), Mode::Unicode, |word, _| found.push(word.to_owned()));
    found
}

#[test]
fn scan_equals_the_slow_twin() {
    let mut random = Random(6);
    for round in 0..150 {
        let vocabulary = [2, 3, 6, 30][round % 4]; // few words: many repetitions
        let n = 1 + random.next(5);
        let mut texts = |count: usize, most: usize| -> Vec<String> {
            (0..count)
                .map(|_| {
                    let size = random.next(most);
                    random.text(size, vocabulary)
                })
                .collect()
        };
        let (tests, documents) = (texts(6, 30), texts(12, 60));
        let (offsets, data) = column(&tests);
        let set = NgramSet::new(n, Mode::Unicode, &offsets, &data).unwrap();
        let grams: Vec<Vec<String>> = tests.iter().map(|text| split(text)).collect();
        let distinct: BTreeSet<&[String]> =
            grams.iter().flat_map(|words| words.windows(n)).collect();
        assert_eq!(set.keys().len(), distinct.len());

        let mut in_documents: BTreeMap<&[String], u32> = BTreeMap::new();
        let split_documents: Vec<Vec<String>> = documents.iter().map(|d| split(d)).collect();
        for words in &split_documents {
            for gram in words.windows(n).collect::<BTreeSet<_>>() {
                *in_documents.entry(gram).or_default() += 1;
            }
        }
        let mut scanners = [Scanner::new(&set), Scanner::new(&set)];
        let mut runs = [Vec::new(), Vec::new()];
        let mut hits = [Vec::new(), Vec::new()];
        for (which, batch) in [(0, 12), (1, 5)] {
            for (number, part) in documents.chunks(batch).enumerate() {
                let (offsets, data) = column(part);
                let finds = scanners[which].scan_rows(&set, &offsets, &data, 1 + 2 * which);
                hits[which].extend(finds.hits);
                runs[which].extend(finds.runs.into_iter().map(|mut run| {
                    run.row += (number * batch) as u64;
                    run
                }));
            }
        }
        assert_eq!(runs[0], runs[1], "batches and threads change the runs");
        assert_eq!(hits[0], hits[1]);
        let expected: Vec<u32> = split_documents
            .iter()
            .map(|words| words.windows(n).filter(|gram| distinct.contains(gram)).count() as u32)
            .collect();
        assert_eq!(hits[0], expected);
        let best = scanners[0].best_runs();
        // N-grams of very many places begin runs only at the first of them.
        let few = (0..set.keys().len()).all(|number| set.places(number as u32).len() <= 16);
        let mut place = 0;
        for words in &grams {
            for (at, _) in words.iter().enumerate() {
                let number = set.ngrams()[place];
                let gram = words.get(at..at + n);
                assert_eq!(number == NO_NGRAM, gram.is_none());
                if let Some(gram) = gram {
                    let count = in_documents.get(gram).copied().unwrap_or(0);
                    assert_eq!(scanners[0].documents()[number as usize], count);
                    if count > 0 && set.places(number).len() <= 16 {
                        let run = runs[0][best[place] as usize];
                        let most = if few { &split_documents[..] } else { &[] };
                        check_run(&run, place, words, at, n, &documents, most);
                    }
                }
                place += 1;
            }
            assert_eq!(set.ngrams()[place], NO_NGRAM);
            place += 1; // no word: the end of the text
        }
    }
}

#[test]
fn equal_keys_of_other_words_are_told_apart() {
    // Found by inverting the hash, which is public: whoever writes the text can do that.
    let words = ["overlaps", "b9asowlrdshl425z", "udrx8mr5m13hwere"];
    assert!(words.iter().all(|word| word_hash(word.as_bytes()) == word_hash(b"overlaps")));
    for n in [1, 2, 8] {
        let around = |word: &str| format!("{}{word}", "so ".repeat(n - 1));
        let texts = words.map(around);
        let (offsets, data) = column(&texts[..2]);
        let set = NgramSet::new(n, Mode::Unicode, &offsets, &data).unwrap();
        assert_eq!((set.keys().len(), set.keys()[0]), (2, set.keys()[1]));
        for (text, expected) in texts.iter().zip([[1, 0], [0, 1], [0, 0]]) {
            let mut scanner = Scanner::new(&set);
            let (offsets, data) = column(std::slice::from_ref(text));
            let finds = scanner.scan_rows(&set, &offsets, &data, 1);
            assert_eq!(scanner.documents(), expected);
            assert_eq!(finds.hits, [expected[0] + expected[1]]);
        }
    }
}

/// The run covers the place, its words are equal on both sides, and no longer one exists.
fn check_run(
    run: &webtext::overlap::scan::Run,
    place: usize,
    words: &[String],
    at: usize,
    n: usize,
    documents: &[String],
    split_documents: &[Vec<String>],
) {
    let first = at - (place - run.place as usize);
    assert!(at < first + run.ngrams as usize && at >= first);
    let mine = &words[first..first + run.ngrams as usize + n - 1];
    let theirs = &documents[run.row as usize][run.start as usize..run.end as usize];
    assert_eq!(mine.join(" "), theirs);
    let mut longest = 0;
    for document in split_documents {
        for start in 0..document.len() {
            // The longest equal stretch that puts document[start] on words[at].
            let before = (0..at.min(start) + 1)
                .take_while(|&back| document[start - back] == words[at - back])
                .count();
            let after =
                document[start..].iter().zip(&words[at..]).take_while(|(a, b)| a == b).count();
            if after >= n {
                longest = longest.max(before + after - n);
            }
        }
    }
    if !split_documents.is_empty() {
        assert_eq!(run.ngrams as usize, longest, "{mine:?}");
    }
}
