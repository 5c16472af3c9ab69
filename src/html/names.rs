//! Element names as small numbers.

use std::sync::LazyLock;

/// An element's name: a number below [`KNOWN`] for the names of this file, above it for those
/// that a page brings along (see [`super::Tree::name_of`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub u16);

macro_rules! names {
    ($($constant:ident $text:literal,)*) => {
        #[allow(clippy::upper_case_acronyms, non_camel_case_types, dead_code)]
        enum Number { $($constant,)* END_ }
        $(
            #[doc = concat!("`", $text, "`")]
            pub const $constant: Name = Name(Number::$constant as u16);
        )*
        /// How many names have a constant.
        pub const KNOWN: usize = Number::END_ as usize;
        const TEXTS: [&str; KNOWN] = [$($text,)*];
    };
}

names! {
    TEXT "#text", OTHER "#other",
    A "a", ABBR "abbr", ACRONYM "acronym", ADDRESS "address", APPLET "applet", AREA "area",
    ARTICLE "article", ASIDE "aside", AUDIO "audio", B "b", BASE "base", BASEFONT "basefont",
    BDI "bdi", BDO "bdo", BIG "big", BLINK "blink", BLOCKQUOTE "blockquote", BODY "body", BR "br",
    BUTTON "button", CANVAS "canvas", CAPTION "caption", CENTER "center", CITE "cite",
    CODE "code", COL "col", COLGROUP "colgroup", DATA "data", DATALIST "datalist", DD "dd",
    DEL "del", DETAILS "details", DFN "dfn", DIALOG "dialog", DIR "dir", DIV "div", DL "dl",
    DT "dt", EM "em", EMBED "embed", FENCEDFRAME "fencedframe", FIELDSET "fieldset",
    FIGCAPTION "figcaption", FIGURE "figure", FONT "font", FOOTER "footer", FORM "form",
    FRAME "frame", FRAMESET "frameset", H1 "h1", H2 "h2", H3 "h3", H4 "h4", H5 "h5", H6 "h6",
    HEAD "head", HEADER "header", HGROUP "hgroup", HR "hr", HTML "html", I "i", IFRAME "iframe",
    IMG "img", INPUT "input", INS "ins", ISINDEX "isindex", KBD "kbd", KEYGEN "keygen",
    LABEL "label", LEGEND "legend", LI "li", LINK "link", LISTING "listing", MAIN "main",
    MAP "map", MARK "mark", MARQUEE "marquee", MATH "math", MENU "menu", MENUITEM "menuitem",
    META "meta", METER "meter", NAV "nav", NOBR "nobr", NOEMBED "noembed", NOFRAMES "noframes",
    NOINDEX "noindex", NOSCRIPT "noscript", OBJECT "object", OL "ol", OPTGROUP "optgroup",
    OPTION "option", OUTPUT "output", P "p", PARAM "param", PATH "path", PICTURE "picture",
    PLAINTEXT "plaintext", PRE "pre", PROGRESS "progress", Q "q", RB "rb", RP "rp", RT "rt",
    RTC "rtc", RUBY "ruby", S "s", SAMP "samp", SCRIPT "script", SECTION "section",
    SELECT "select", SLOT "slot", SMALL "small", SOURCE "source", SPAN "span", STRIKE "strike",
    STRONG "strong", STYLE "style", SUB "sub", SUMMARY "summary", SUP "sup", SVG "svg",
    TABLE "table", TBODY "tbody", TD "td", TEMPLATE "template", TEXTAREA "textarea",
    TFOOT "tfoot", TH "th", THEAD "thead", TIME "time", TITLE "title", TR "tr", TRACK "track",
    TT "tt", U "u", UL "ul", USE "use", VAR "var", VIDEO "video", WBR "wbr", XMP "xmp",
    ANNOTATION "annotation", SEMANTICS "semantics",
    // Names that converted trees use; a page may have the first five by itself.
    REF "ref", LIST "list", ITEM "item", LB "lb", QUOTE "quote", HEADING "#heading",
}

impl Name {
    /// The text of a known name; those of one page have none here.
    pub fn known(self) -> Option<&'static str> {
        TEXTS.get(usize::from(self.0)).copied()
    }

    /// Whether this is `area`, `br` or another element that never has content.
    pub fn is_void(self) -> bool {
        matches!(
            self,
            AREA | BASE
                | BASEFONT
                | BR
                | COL
                | FRAME
                | HR
                | IMG
                | INPUT
                | ISINDEX
                | LINK
                | META
                | PARAM
        )
    }
}

/// Longest known name, in bytes.
const LONGEST: usize = 11;
const SLOTS: usize = 1024;

/// A name of at most [`LONGEST`] bytes as one number, its length in the last byte.
fn packed(name: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name);
    bytes[15] = name.len() as u8;
    u128::from_le_bytes(bytes)
}

fn slot(packed: u128) -> usize {
    let mixed = (packed as u64 ^ (packed >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as usize % SLOTS
}

/// Open addressing: packed names with their numbers; 0 where there is none.
static LOOKUP: LazyLock<[(u128, u16); SLOTS]> = LazyLock::new(|| {
    let mut table = [(0, 0); SLOTS];
    for (number, name) in TEXTS.iter().enumerate() {
        if name.starts_with('#') {
            continue; // no page can name these
        }
        let key = packed(name.as_bytes());
        let mut at = slot(key);
        while table[at].0 != 0 {
            at = (at + 1) % SLOTS;
        }
        table[at] = (key, number as u16);
    }
    table
});

/// The known name that `lower` spells, in lower case.
pub(super) fn lookup(lower: &[u8]) -> Option<Name> {
    if lower.len() > LONGEST {
        return None;
    }
    let key = packed(lower);
    let mut at = slot(key);
    loop {
        match LOOKUP[at] {
            (0, _) => return None,
            (found, number) if found == key => return Some(Name(number)),
            _ => at = (at + 1) % SLOTS,
        }
    }
}

/// Whether an element of that name begins and ends paragraphs.
pub fn is_block(name: Name) -> bool {
    matches!(
        name,
        ADDRESS
            | ARTICLE
            | ASIDE
            | BLOCKQUOTE
            | BODY
            | CAPTION
            | CENTER
            | DD
            | DETAILS
            | DIV
            | DL
            | DT
            | FIELDSET
            | FIGCAPTION
            | FIGURE
            | FOOTER
            | FORM
            | H1
            | H2
            | H3
            | H4
            | H5
            | H6
            | HEADER
            | HR
            | LI
            | MAIN
            | NAV
            | OL
            | OPTION
            | P
            | PRE
            | SECTION
            | SUMMARY
            | TABLE
            | TD
            | TH
            | TR
            | UL
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_and_nothing_else() {
        for (number, text) in TEXTS.iter().enumerate() {
            let found = lookup(text.as_bytes());
            let expected = (!text.starts_with('#')).then_some(Name(number as u16));
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(lookup(b"x-card"), None);
        assert_eq!(lookup(b""), None);
    }
}
