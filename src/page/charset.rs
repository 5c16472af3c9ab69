//! Bytes of a page to text: which charset it has, and how we know.
//!
//! Order of evidence: byte order mark, HTTP header, what the document declares about itself (meta
//! elements, XML declaration), detection. Labels mean what the WHATWG Encoding standard says they
//! mean on the web (`iso-8859-1` is windows-1252, `gb2312` is GBK ...). A declaration that the
//! bytes plainly contradict is overruled, by these rules and no others:
//!
//! - declared UTF-8, but more sequences are broken than one in ten (or a handful): not UTF-8;
//! - declared a legacy charset, but the bytes are valid UTF-8 with characters beyond ASCII: UTF-8;
//! - declared a multi-byte legacy charset that cannot decode more than one character in ten: not it.
//!
//! Decoding never fails: bytes without a meaning become U+FFFD. Undoing content codings (gzip,
//! br ...) is the reader's work. A page that came as text is text already and has no business here.

use super::declared;
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, REPLACEMENT, SHIFT_JIS, UTF_8,
    UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED,
};
use std::borrow::Cow;
use std::fmt;

/// A declared charset is kept while at most one in this many characters that it should explain is
/// broken (our choice).
const GOOD_PER_BROKEN: usize = 10;

/// So many broken characters are always forgiven: a cut-off end, one pasted quote (our choice).
const FORGIVEN: usize = 3;

/// Fewer bytes beyond ASCII than this that happen to be valid UTF-8 prove nothing against a
/// multi-byte legacy charset which explains them too.
const MIN_UTF8_PROOF_BYTES: usize = 12;

/// Detection reads at most this many bytes, markup removed: what helps is text beyond ASCII, and
/// more of it does not change the verdict (our choice).
const DETECTION_BYTES: usize = 1 << 17;

/// What decided the charset of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A byte order mark.
    Bom,
    /// The HTTP header.
    Http,
    /// The document's own declaration.
    Meta,
    /// Nothing but ASCII: any answer would do.
    Ascii,
    /// The bytes are UTF-8, with or against a declaration.
    Utf8,
    /// Statistics over the text.
    Detected,
}

impl Evidence {
    /// The word in `charset:word`.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Bom => "bom",
            Evidence::Http => "http",
            Evidence::Meta => "meta",
            Evidence::Ascii => "ascii",
            Evidence::Utf8 => "utf-8",
            Evidence::Detected => "detected",
        }
    }
}

/// The text of a page and where it came from; shown as `windows-1252:http`.
#[derive(Debug)]
pub struct Decoded<'a> {
    /// The characters; borrowed where the bytes were UTF-8 without a fault.
    pub text: Cow<'a, str>,
    /// The charset that gave them.
    pub encoding: &'static Encoding,
    /// What decided for it.
    pub evidence: Evidence,
}

impl fmt::Display for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.encoding.name().to_ascii_lowercase(), self.evidence.name())
    }
}

/// Encoding that a charset label names on the web, or None where it names none.
///
/// The table of the WHATWG Encoding standard, a few names more that servers send, and less the
/// labels which the standard disables.
pub fn for_label(label: &[u8]) -> Option<&'static Encoding> {
    let found = Encoding::for_label(label).or_else(|| {
        match label.trim_ascii().to_ascii_lowercase().as_slice() {
            b"utf-8-sig" => Some(UTF_8),
            b"cp932" => Some(SHIFT_JIS),
            b"cp936" => Some(GBK),
            b"cp949" => Some(EUC_KR),
            b"cp950" => Some(BIG5),
            _ => None,
        }
    })?;
    if found == REPLACEMENT {
        return None;
    }
    // Gives private-use characters; as a declaration it means windows-1252, says the standard.
    Some(if found == X_USER_DEFINED { WINDOWS_1252 } else { found })
}

/// Text of `body` with the evidence for it; `content_type` is the HTTP header as it stands.
pub fn decode<'a>(body: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        let text = encoding.decode_without_bom_handling(&body[length..]).0;
        return Decoded { text, encoding, evidence: Evidence::Bom };
    }
    let bytes = Bytes::new(body);
    let header = content_type.and_then(|value| declared::in_header(value.as_bytes()));
    // The document is looked at only where the header did not settle it.
    if let Some(found) = header.and_then(|encoding| bytes.by(encoding, Evidence::Http)) {
        return found;
    }
    let meta = declared::in_document(body);
    if let Some(found) = meta.and_then(|encoding| bytes.by(encoding, Evidence::Meta)) {
        return found;
    }
    if let Ok(text) = bytes.utf8 {
        let evidence = if text.is_ascii() { Evidence::Ascii } else { Evidence::Utf8 };
        return Decoded { text: Cow::Borrowed(text), encoding: UTF_8, evidence };
    }
    bytes.by(UTF_8, Evidence::Utf8).unwrap_or_else(|| {
        let encoding = detect(body);
        let text = encoding.decode_without_bom_handling(body).0;
        Decoded { text, encoding, evidence: Evidence::Detected }
    })
}

/// The bytes of a page and what every charset is judged by.
struct Bytes<'a> {
    body: &'a [u8],
    utf8: Result<&'a str, std::str::Utf8Error>,
}

impl<'a> Bytes<'a> {
    fn new(body: &'a [u8]) -> Self {
        Bytes { body, utf8: std::str::from_utf8(body) }
    }

    /// How many bytes are not ASCII.
    fn beyond_ascii(&self) -> usize {
        self.body.iter().filter(|byte| !byte.is_ascii()).count()
    }

    /// The text by the declared `encoding`, or None where the bytes contradict it.
    fn by(&self, encoding: &'static Encoding, evidence: Evidence) -> Option<Decoded<'a>> {
        let utf16 = encoding == UTF_16LE || encoding == UTF_16BE;
        if encoding == UTF_8 {
            let text = match self.utf8 {
                Ok(text) => Cow::Borrowed(text),
                Err(error) => {
                    let text = String::from_utf8_lossy(self.body);
                    let only_cut_off = error.error_len().is_none();
                    if !only_cut_off && !few_broken(&text, replacements(self.body)) {
                        return None;
                    }
                    text
                }
            };
            return Some(Decoded { text, encoding, evidence });
        }
        if self.utf8.is_ok() && !utf16 {
            let enough = if is_multi_byte(encoding) { MIN_UTF8_PROOF_BYTES } else { 1 };
            if self.beyond_ascii() >= enough {
                return None;
            }
        }
        let (text, _) = encoding.decode_without_bom_handling(self.body);
        // A wrong guess of UTF-16 gives no markup at all.
        let plausible = if utf16 {
            text.contains('<') && few_broken(&text, 0)
        } else {
            !is_multi_byte(encoding) || few_broken(&text, 0)
        };
        plausible.then_some(Decoded { text, encoding, evidence })
    }
}

fn is_multi_byte(encoding: &'static Encoding) -> bool {
    [GBK, GB18030, SHIFT_JIS, EUC_KR, BIG5, EUC_JP, ISO_2022_JP].contains(&encoding)
}

/// How often the bytes spell U+FFFD by right.
fn replacements(body: &[u8]) -> usize {
    memchr::memmem::find_iter(body, "\u{fffd}").count()
}

fn few_broken(text: &str, already_there: usize) -> bool {
    let mut beyond_ascii = 0;
    let mut broken = 0;
    for character in text.chars().filter(|character| !character.is_ascii()) {
        beyond_ascii += 1;
        broken += usize::from(character == '\u{fffd}');
    }
    let broken = broken.saturating_sub(already_there);
    let good = beyond_ascii - broken;
    broken <= FORGIVEN.min(good.saturating_sub(1)) || broken * GOOD_PER_BROKEN <= good
}

/// Encoding by statistics over the text parts of a page that declares nothing usable.
fn detect(body: &[u8]) -> &'static Encoding {
    let text = declared::without_markup(&body[..body.len().min(8 * DETECTION_BYTES)]);
    let text = if text.iter().all(u8::is_ascii) { body } else { &text };
    let text = &text[..text.len().min(DETECTION_BYTES)];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(text, false);
    let found = detector.guess(None, Utf8Detection::Deny);
    // A pound or copyright sign alone, in English, looks like a letter of another alphabet to the
    // detector; it is what is commonest on the web.
    let only_signs = || !WINDOWS_1252.decode_without_bom_handling(text).0.chars().any(is_foreign);
    if !is_multi_byte(found) && only_signs() { WINDOWS_1252 } else { found }
}

fn is_foreign(character: char) -> bool {
    !character.is_ascii() && character.is_alphabetic()
}
