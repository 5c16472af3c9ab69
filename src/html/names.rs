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

fn slot(name: &[u8]) -> usize {
    let mut hash = name.len() as u32;
    for &byte in name {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (hash ^ (hash >> 15)) as usize % SLOTS
}

/// Open addressing: number + 1 of a known name, or 0.
static LOOKUP: LazyLock<[u16; SLOTS]> = LazyLock::new(|| {
    let mut table = [0u16; SLOTS];
    for (number, name) in TEXTS.iter().enumerate() {
        debug_assert!(name.len() <= LONGEST || name.starts_with('#'));
        let mut at = slot(name.as_bytes());
        while table[at] != 0 {
            at = (at + 1) % SLOTS;
        }
        table[at] = number as u16 + 1;
    }
    table
});

/// The known name that `lower` spells, in lower case.
pub(super) fn lookup(lower: &[u8]) -> Option<Name> {
    if lower.len() > LONGEST || lower.first() == Some(&b'#') {
        return None;
    }
    let mut at = slot(lower);
    loop {
        let number = LOOKUP[at].checked_sub(1)?;
        if TEXTS[usize::from(number)].as_bytes() == lower {
            return Some(Name(number));
        }
        at = (at + 1) % SLOTS;
    }
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
