//! Language of a text, as ISO 639-1.
//!
//! What looks like code, addresses or markup is left out first. Then the script decides that carries
//! most of the text, and, among the languages written in it, the trigrams and alphabets of `whatlang`
//! (70 languages). A text in another language gets the code of a relative, or of none: `--lang`
//! should be checked against `codes`.
//!
//! Measured against the detector used before, py3langid: the tests hold the figures.

use whatlang::Lang;

/// The answer where nothing can be said.
pub const UNSURE: &str = "und";

/// More text does not change the verdict, but costs time (our choice).
const MAX_CHARACTERS: usize = 2000;

/// Below this a text is mostly names and numbers (our choice).
const MIN_LETTERS: usize = 20;

/// What a character of Chinese, Japanese or Korean says, in letters of the Latin alphabet: pages in
/// these languages with many English names and terms are theirs still (our choice, measured).
const LETTERS_PER_CHARACTER: usize = 5;

/// Han and kana with more than one kana in so many are Japanese; a Chinese text may quote some.
const HAN_PER_KANA: usize = 20;

/// Words that texts in English are full of and others hardly ever have.
const ENGLISH: [&str; 18] = [
    "and", "been", "from", "have", "that", "the", "their", "there", "they", "this", "were", "what",
    "when", "which", "will", "with", "would", "your",
];

/// With so many of them, and one in so many words, a text is not compared any further (our choice:
/// of the texts of labelled pages one in 7,000 is told otherwise, rightly).
const MIN_ENGLISH: usize = 10;
const WORDS_PER_ENGLISH: usize = 12;

/// ISO 639-1 code of the language that most of `text` is in; `und` where unsure.
pub fn detect(text: &str) -> &'static str {
    let end = text.char_indices().nth(MAX_CHARACTERS).map_or(text.len(), |(at, _)| at);
    let sample = &text[..end];
    let prose = prose(sample);
    let counts = Counts::of(&prose);
    if counts.letters >= MIN_LETTERS {
        return by_script(&prose, &counts);
    }
    let counts = Counts::of(sample);
    if counts.letters >= MIN_LETTERS { by_script(sample, &counts) } else { UNSURE }
}

/// What a sample is written in.
#[derive(Default)]
struct Counts {
    letters: usize,
    kana: usize,
    /// Weights by script.
    weights: [usize; SCRIPTS],
}

impl Counts {
    fn of(text: &str) -> Self {
        let mut counts = Counts::default();
        for letter in text.chars().filter(|character| character.is_alphabetic()) {
            counts.letters += 1;
            counts.kana += usize::from(is_kana(letter));
            let script = Script::of(letter);
            counts.weights[script as usize] += match script {
                Script::Han | Script::Hangul => LETTERS_PER_CHARACTER,
                _ => letter.len_utf8(),
            };
        }
        counts
    }

    fn is_most(&self, script: Script) -> bool {
        self.weights.iter().all(|&other| self.weights[script as usize] >= other)
    }
}

/// The language of `text`, which has enough letters.
fn by_script(text: &str, counts: &Counts) -> &'static str {
    if counts.is_most(Script::Han) {
        let all = counts.weights[Script::Han as usize] / LETTERS_PER_CHARACTER;
        return if counts.kana * HAN_PER_KANA > all { "ja" } else { "zh" };
    }
    if counts.is_most(Script::Hangul) {
        return "ko";
    }
    if counts.is_most(Script::Latin) && is_english(text) {
        return "en";
    }
    // Letters of other scripts only mislead.
    let main = [Script::Latin, Script::Cyrillic].into_iter().find(|&script| counts.is_most(script));
    let found = match main {
        Some(main) => {
            let keep = |c: char| !c.is_alphabetic() || Script::of(c) == main;
            let only: String = text.chars().map(|c| if keep(c) { c } else { ' ' }).collect();
            whatlang::detect(&only)
        }
        None => whatlang::detect(text),
    };
    found.map_or(UNSURE, |info| code(info.lang()))
}

fn is_english(text: &str) -> bool {
    let (mut words, mut known) = (0, 0);
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        words += 1;
        let short = (3..=5).contains(&word.len());
        known += usize::from(short && ENGLISH.iter().any(|this| word.eq_ignore_ascii_case(this)));
    }
    known >= MIN_ENGLISH && known * WORDS_PER_ENGLISH >= words
}

/// `text` without what looks like code, addresses or markup: runs of ASCII that have a character
/// which words have not.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let ends_run = |c: char| c.is_whitespace() || !c.is_ascii();
    for run in text.split_inclusive(ends_run) {
        let last = run.chars().next_back().filter(|&c| ends_run(c));
        let ascii = &run[..run.len() - last.map_or(0, char::len_utf8)];
        if !is_code(ascii.as_bytes()) {
            out.push_str(ascii);
        }
        out.extend(last);
    }
    out
}

fn is_code(run: &[u8]) -> bool {
    run.iter().any(|byte| b"_={}<>/\\[]@#$|+*`".contains(byte))
        || run.windows(2).any(|pair| {
            matches!(pair[0], b'(' | b'.' | b':')
                && pair[1].is_ascii_alphabetic()
                && pair[0] != run[0]
        })
}

/// Scripts that stand beside each other on pages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Cyrillic,
    /// With the two kana.
    Han,
    Hangul,
    Other,
}

const SCRIPTS: usize = 5;

impl Script {
    fn of(letter: char) -> Script {
        match letter {
            '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}' => Script::Latin,
            '\u{400}'..='\u{52f}' => Script::Cyrillic,
            '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' => {
                Script::Han
            }
            '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
                Script::Han
            }
            '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}' => Script::Han,
            '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7af}' => {
                Script::Hangul
            }
            _ => Script::Other,
        }
    }
}

fn is_kana(character: char) -> bool {
    matches!(character, '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}')
}

/// Every code that `detect` can give, `und` apart, in alphabetical order.
pub fn codes() -> Vec<&'static str> {
    let mut codes: Vec<_> = Lang::all().iter().map(|&lang| code(lang)).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// ISO 639-1 of each; Norwegian is `no`, whichever of its two written forms.
fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Bul => "bg",
        Lang::Ben => "bn",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cym => "cy",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Spa => "es",
        Lang::Est => "et",
        Lang::Pes => "fa",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Jav => "jv",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kan => "kn",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Mkd => "mk",
        Lang::Mal => "ml",
        Lang::Mar => "mr",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "no",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Sin => "si",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Sna => "sn",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Tgl => "tl",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Cmn => "zh",
        Lang::Zul => "zu",
    }
}
