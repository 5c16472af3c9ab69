//! Names of months in the languages that the patterns read.

/// The longest name, in characters.
const LONGEST: usize = 12;

/// The month that a whole word names, in any case.
pub(super) fn named(word: &str) -> Option<u32> {
    let count = word.chars().take(LONGEST + 1).count();
    if !(3..=LONGEST).contains(&count) {
        return None;
    }
    number(&folded(word))
}

/// The month that a word ends in: text of two elements often meets without a blank.
pub(super) fn at_end_of(word: &str) -> Option<u32> {
    let folded = folded(word);
    let starts: Vec<usize> = folded.char_indices().map(|(at, _)| at).collect();
    let shortest = starts.len().checked_sub(3)?;
    starts[starts.len().saturating_sub(LONGEST)..=shortest]
        .iter()
        .find_map(|&at| number(&folded[at..]))
}

/// Lower case, with the two Turkish letters made one.
fn folded(word: &str) -> String {
    word.replace(['ı', 'İ'], "i").to_lowercase()
}

/// English, French, German, Indonesian and Turkish.
fn number(name: &str) -> Option<u32> {
    Some(match name {
        "jan" | "januar" | "jänner" | "january" | "januari" | "janvier" | "ocak" | "oca" => 1,
        "feb" | "februar" | "feber" | "february" | "februari" | "février" | "şubat" | "şub" => 2,
        "mar" | "mär" | "märz" | "march" | "maret" | "mart" | "mars" => 3,
        "apr" | "april" | "avril" | "nisan" | "nis" => 4,
        "may" | "mai" | "mei" | "mayis" => 5,
        "jun" | "juni" | "june" | "juin" | "haziran" | "haz" => 6,
        "jul" | "juli" | "july" | "juillet" | "temmuz" | "tem" => 7,
        "aug" | "august" | "agustus" | "ağustos" | "ağu" | "aout" | "août" => 8,
        "sep" | "sept" | "september" | "septembre" | "eylül" | "eyl" => 9,
        "oct" | "oktober" | "october" | "octobre" | "okt" | "ekim" | "eki" => 10,
        "nov" | "november" | "novembre" | "kasim" | "kas" => 11,
        "dec" | "dez" | "dezember" | "december" | "desember" | "décembre" | "aralik" | "ara" => 12,
        _ => return None,
    })
}
