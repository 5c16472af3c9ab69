//! Charset by byte order mark, header, declaration, detection; and when a declaration is overruled.
//!
//! Expected texts are what was encoded; labels and their meaning are from the WHATWG Encoding
//! standard's table.

use encoding_rs::Encoding;
use std::borrow::Cow;
use webtext::page::charset::{decode, for_label};
use webtext::page::declared::in_document;

const FRENCH: &str = "<p>Où est passé l'été ? Ça coûte 5 €, « déjà ».</p>";
const GERMAN: &str = "<p>Die Größe der Häuser in Zürich überrascht höfliche Gäste jedes Mal.</p>";
const RUSSIAN: &str = "<p>Все счастливые семьи похожи друг на друга, каждая несчастливая семья \
                       несчастлива по-своему. Всё смешалось в доме Облонских.</p>";
const JAPANESE: &str = "<p>吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。</p>";
const CHINESE: &str =
    "<p>道可道，非常道。名可名，非常名。无名天地之始；有名万物之母。故常无欲以观其妙。</p>";
const KOREAN: &str =
    "<p>고려 시대의 역사와 문화에 대한 연구가 활발히 진행되고 있다. 나라의 말이 다르다.</p>";

fn encoded(text: &str, label: &str) -> Vec<u8> {
    let (bytes, _, failed) = Encoding::for_label(label.as_bytes()).unwrap().encode(text);
    assert!(!failed, "{label} has all of the text's characters");
    bytes.into_owned()
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

#[track_caller]
fn check(body: &[u8], header: Option<&str>, text: &str, how: &str) {
    let decoded = decode(body, header);
    assert_eq!((&*decoded.text, decoded.to_string().as_str()), (text, how));
}

#[test]
fn labels_mean_what_the_standard_says() {
    for (label, name) in [
        ("UTF-8", Some("UTF-8")),
        (" utf8 ", Some("UTF-8")),
        ("utf-8-sig", Some("UTF-8")),
        ("iso-8859-1", Some("windows-1252")),
        ("us-ascii", Some("windows-1252")),
        ("x-user-defined", Some("windows-1252")),
        ("iso-8859-9", Some("windows-1254")),
        ("gb2312", Some("GBK")),
        ("big5", Some("Big5")),
        ("x-sjis", Some("Shift_JIS")),
        ("cp932", Some("Shift_JIS")),
        ("ks_c_5601-1987", Some("EUC-KR")),
        ("tis-620", Some("windows-874")),
        ("utf-7", None),
        ("hz-gb-2312", None),
        ("iso-2022-kr", None),
        ("nonsense", None),
        ("", None),
    ] {
        assert_eq!(for_label(label.as_bytes()).map(Encoding::name), name, "{label}");
    }
}

#[test]
fn declarations_in_the_document() {
    let long = |blanks: usize| [&b" ".repeat(blanks)[..], b"<meta charset=koi8-r>"].concat();
    for (head, name) in [
        (&b"<meta charset=\"windows-1251\">"[..], Some("windows-1251")),
        (b"<META CHARSET=windows-1251>", Some("windows-1251")),
        (b"<meta charset = 'windows-1251' />", Some("windows-1251")),
        (b"<meta name=\"x\" content=\"y\"><meta charset=\"koi8-r\">", Some("KOI8-R")),
        (
            b"<meta http-equiv=\"Content-Type\" content=\"text/html; charset=shift_jis\">",
            Some("Shift_JIS"),
        ),
        (b"<meta content='text/html;charset=big5' http-equiv=content-type>", Some("Big5")),
        (b"<meta name=\"note\" content=\"text/html; charset=big5\">", None),
        (b"<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?><html>", Some("ISO-8859-2")),
        (b"<?xml version=\"1.0\"?><p encoding=\"koi8-r\">", None),
        (b"<!-- <meta charset=\"koi8-r\"> --><meta charset=\"utf-8\">", Some("UTF-8")),
        (b"<!-- never closed <meta charset=\"koi8-r\">", None),
        (b"<!--a--><!--b--><meta charset=koi8-r><!--c", Some("KOI8-R")),
        (b"<meta charset=\"utf-16\">", Some("UTF-8")),
        (b"<meta charset=\"unheard-of\"><meta charset=\"cp1252\">", Some("windows-1252")),
        (b"<meta charset=\"never closed", None),
        (b"<meta", None),
        (b"<meta charset", None),
        (b"<p>no declaration</p>", None),
        (b"", None),
        (&long(3000), Some("KOI8-R")),
        (&long(5000), None),
    ] {
        let found = in_document(head).map(Encoding::name);
        assert_eq!(found, name, "{}", String::from_utf8_lossy(head));
    }
}

#[test]
fn the_order_of_evidence() {
    let marked = [b"\xef\xbb\xbf", FRENCH.as_bytes()].concat();
    check(&marked, Some("text/html; charset=koi8-r"), FRENCH, "utf-8:bom");
    let little = [&b"\xff\xfe"[..], &utf16(FRENCH, u16::to_le_bytes)].concat();
    check(&little, None, FRENCH, "utf-16le:bom");
    let big = [&b"\xfe\xff"[..], &utf16(FRENCH, u16::to_be_bytes)].concat();
    check(&big, None, FRENCH, "utf-16be:bom");
    let header = Some("text/html; Charset=\"ISO-8859-1\"");
    check(&encoded(FRENCH, "windows-1252"), header, FRENCH, "windows-1252:http");
    let contradicted = format!("<meta charset=\"koi8-r\">{RUSSIAN}");
    let header = Some("text/html;charset=windows-1251");
    let body = encoded(&contradicted, "windows-1251");
    check(&body, header, &contradicted, "windows-1251:http");
    let declared = format!("<meta charset=\"windows-1251\">{RUSSIAN}");
    let body = encoded(&declared, "windows-1251");
    check(&body, Some("text/html"), &declared, "windows-1251:meta");
    check(&body, Some("text/html; charset=made-up"), &declared, "windows-1251:meta");
    let body = utf16(FRENCH, u16::to_le_bytes);
    check(&body, Some("text/html; charset=utf-16"), FRENCH, "utf-16le:http");
    check(FRENCH.as_bytes(), None, FRENCH, "utf-8:utf-8");
    check(b"<p>plain</p>", None, "<p>plain</p>", "utf-8:ascii");
    check(b"", None, "", "utf-8:ascii");
}

#[test]
fn declarations_that_the_bytes_contradict() {
    let utf8 = Some("text/html; charset=utf-8");
    check(&encoded(FRENCH, "windows-1252"), utf8, FRENCH, "windows-1252:detected");
    let declared = format!("<meta charset=\"windows-1251\">{RUSSIAN}");
    check(&encoded(&declared, "windows-1251"), utf8, &declared, "windows-1251:meta");
    check(FRENCH.as_bytes(), Some("text/html; charset=iso-8859-1"), FRENCH, "utf-8:utf-8");
    let short = "<p>café</p>";
    check(short.as_bytes(), Some("text/html; charset=latin1"), short, "utf-8:utf-8");
    check(JAPANESE.as_bytes(), Some("text/html; charset=shift_jis"), JAPANESE, "utf-8:utf-8");
    check(CHINESE.as_bytes(), Some("text/html; charset=gb2312"), CHINESE, "utf-8:utf-8");
    check(b"<p>ascii</p>", Some("text/html; charset=utf-16"), "<p>ascii</p>", "utf-8:ascii");
}

#[test]
fn declarations_that_stand() {
    for (text, label, how) in [
        (JAPANESE, "x-sjis", "shift_jis:http"),
        (JAPANESE, "iso-2022-jp", "iso-2022-jp:http"),
        (CHINESE, "gb2312", "gbk:http"),
        (KOREAN, "euc-kr", "euc-kr:http"),
    ] {
        check(&encoded(text, label), Some(&format!("text/html; charset={label}")), text, how);
    }
    // Two characters of GBK whose bytes happen to be valid UTF-8.
    let header = Some("text/html; charset=gbk");
    check(b"<p>\xc4\xa3\xc4\xa3</p>", header, "<p>模模</p>", "gbk:http");
}

#[test]
fn detection() {
    for (text, label) in [
        (GERMAN, "windows-1252"),
        (RUSSIAN, "windows-1251"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        (CHINESE, "gbk"),
        (KOREAN, "euc-kr"),
    ] {
        // Scripts and styles say nothing about the charset of the text.
        let page = format!(
            "<html><style>p {{color: red}}</style><script>var a = 'b';</script>{}</html>",
            text.repeat(6)
        );
        check(&encoded(&page, label), None, &page, &format!("{label}:detected"));
    }
    // The two KOI8 agree on what is Russian.
    let page = RUSSIAN.repeat(6);
    assert_eq!(decode(&encoded(&page, "koi8-r"), None).text, page);
    // Signs alone are no other alphabet.
    let page = "<p>Salary £50K, tickets £3/£1. © 1999 Gonyea</p>";
    check(&encoded(page, "windows-1252"), None, page, "windows-1252:detected");
}

#[test]
fn a_few_broken_characters_do_not_unmake_utf_8() {
    let utf8 = Some("text/html; charset=utf-8");
    let cut = &FRENCH.as_bytes()[..=FRENCH.find('é').unwrap()];
    check(cut, utf8, &String::from_utf8_lossy(cut), "utf-8:http");
    // One quote pasted from Windows.
    let body = [GERMAN.repeat(20).as_bytes(), b"<p>\x93quoted\x94</p>"].concat();
    let decoded = decode(&body, None);
    assert_eq!(decoded.to_string(), "utf-8:utf-8");
    assert_eq!(decoded.text.matches('\u{fffd}').count(), 2);
    // A page that speaks of the replacement character is no broken page.
    let page = format!("<p>{}</p>", "\u{fffd}".repeat(5));
    check(page.as_bytes(), utf8, &page, "utf-8:http");
}

#[test]
fn every_byte_of_windows_1252_has_a_meaning() {
    let all: Vec<u8> = (0..=255).collect();
    let text = decode(&all, Some("text/html; charset=windows-1252")).text.into_owned();
    let characters: Vec<char> = text.chars().collect();
    // The standard's table: the five bytes that Windows leaves open are C1 controls.
    for byte in [0x81, 0x8d, 0x8f, 0x90, 0x9d] {
        assert_eq!(characters[byte], char::from(byte as u8));
    }
    assert_eq!(characters[0x80], '€');
    assert!(!text.contains('\u{fffd}'));
}

#[test]
fn faultless_utf_8_is_not_copied() {
    assert!(matches!(decode(FRENCH.as_bytes(), None).text, Cow::Borrowed(_)));
}
