//! Names of months in the languages that the patterns read.

/// The longest name, in characters.
const LONGEST: usize = 12;

/// The month that a whole word names, in any case.
pub(super) fn named(word: &str) -> Option<u32> {
    let count = word.chars().take(LONGEST + 1).count();
    if !(3..=LONGEST).contains(&count) {
        return None;
    }
    let name = folded(word);
    number(&NAMES, &name).or_else(|| number(&MORE, &name))
}

/// The month that a word ends in, as in `March 2, 2014`: text of two elements often meets without
/// a blank. Only names of the languages that write so, or others would be found in `about`.
pub(super) fn at_end_of(word: &str) -> Option<u32> {
    let name = folded(word);
    let starts: Vec<usize> = name.char_indices().map(|(at, _)| at).collect();
    let shortest = starts.len().checked_sub(3)?;
    starts[starts.len().saturating_sub(LONGEST)..=shortest]
        .iter()
        .find_map(|&at| number(&NAMES, &name[at..]))
}

/// Lower case, with the two Turkish letters made one.
fn folded(word: &str) -> String {
    word.replace(['ı', 'İ'], "i").to_lowercase()
}

fn number(names: &[&[&str]; 12], name: &str) -> Option<u32> {
    names.iter().position(|names| names.contains(&name)).map(|at| at as u32 + 1)
}

/// English, French, German, Indonesian and Turkish: what htmldate reads.
const NAMES: [&[&str]; 12] = [
    &["jan", "januar", "jänner", "january", "januari", "janvier", "ocak", "oca"],
    &["feb", "februar", "feber", "february", "februari", "février", "şubat", "şub"],
    &["mar", "mär", "märz", "march", "maret", "mart", "mars"],
    &["apr", "april", "avril", "nisan", "nis"],
    &["may", "mai", "mei", "mayis"],
    &["jun", "juni", "june", "juin", "haziran", "haz"],
    &["jul", "juli", "july", "juillet", "temmuz", "tem"],
    &["aug", "august", "agustus", "ağustos", "ağu", "aout", "août"],
    &["sep", "sept", "september", "septembre", "eylül", "eyl"],
    &["oct", "oktober", "october", "octobre", "okt", "ekim", "eki"],
    &["nov", "november", "novembre", "kasim", "kas"],
    &["dec", "dez", "dezember", "december", "desember", "décembre", "aralik", "ara"],
];

/// Spanish, Italian, Portuguese, Romanian; Dutch, Swedish, Danish, Norwegian; Finnish, Hungarian;
/// Polish, Russian, Ukrainian; Greek. In the case that dates have.
const MORE: [&[&str]; 12] = [
    &[
        "enero",
        "ene",
        "gennaio",
        "gen",
        "janeiro",
        "ianuarie",
        "tammikuuta",
        "január",
        "stycznia",
        "января",
        "янв",
        "січня",
        "ιανουαρίου",
        "ιαν",
    ],
    &[
        "févr",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
        "februarie",
        "helmikuuta",
        "február",
        "lutego",
        "февраля",
        "фев",
        "лютого",
        "φεβρουαρίου",
        "φεβ",
    ],
    &[
        "marzo",
        "março",
        "martie",
        "maart",
        "mrt",
        "marts",
        "maaliskuuta",
        "március",
        "marca",
        "марта",
        "мар",
        "березня",
        "μαρτίου",
        "μαρ",
    ],
    &[
        "abril",
        "abr",
        "aprile",
        "aprilie",
        "huhtikuuta",
        "április",
        "kwietnia",
        "апреля",
        "апр",
        "квітня",
        "απριλίου",
        "απρ",
    ],
    &[
        "mayo",
        "maggio",
        "mag",
        "maio",
        "maj",
        "toukokuuta",
        "május",
        "maja",
        "мая",
        "травня",
        "μαΐου",
        "μαίου",
        "μαϊ",
    ],
    &[
        "junio",
        "giugno",
        "giu",
        "junho",
        "iunie",
        "kesäkuuta",
        "június",
        "czerwca",
        "июня",
        "июн",
        "червня",
        "ιουνίου",
        "ιουν",
    ],
    &[
        "juil",
        "julio",
        "luglio",
        "lug",
        "julho",
        "iulie",
        "heinäkuuta",
        "július",
        "lipca",
        "июля",
        "июл",
        "липня",
        "ιουλίου",
        "ιουλ",
    ],
    &[
        "agosto",
        "ago",
        "augustus",
        "augusti",
        "elokuuta",
        "augusztus",
        "sierpnia",
        "августа",
        "авг",
        "серпня",
        "αυγούστου",
        "αυγ",
    ],
    &[
        "septiembre",
        "setiembre",
        "settembre",
        "set",
        "setembro",
        "septembrie",
        "syyskuuta",
        "szeptember",
        "września",
        "сентября",
        "сен",
        "вересня",
        "σεπτεμβρίου",
        "σεπ",
    ],
    &[
        "octubre",
        "ottobre",
        "ott",
        "outubro",
        "out",
        "octombrie",
        "lokakuuta",
        "október",
        "października",
        "октября",
        "окт",
        "жовтня",
        "οκτωβρίου",
        "οκτ",
    ],
    &[
        "noviembre",
        "novembro",
        "noiembrie",
        "marraskuuta",
        "listopada",
        "ноября",
        "ноя",
        "листопада",
        "νοεμβρίου",
        "νοε",
    ],
    &[
        "déc",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
        "decembrie",
        "joulukuuta",
        "grudnia",
        "декабря",
        "дек",
        "грудня",
        "δεκεμβρίου",
        "δεκ",
    ],
];
