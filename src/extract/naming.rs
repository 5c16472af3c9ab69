//! What the words in an element's `class` and `id` are about: the notions by which the model tells
//! parts of pages apart.
//!
//! [`super::families`] has the names that the rules act on; these are wider, and none decides by
//! itself.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::html::{Budget, Node, TooCostly, Tree};

/// Notions, a bit each; words that stand for them. A trailing or leading underscore is an end of a
/// word, where a name is cut at anything but letters and digits, and before capitals.
const NOTIONS: &[&str] = &[
    "comment",
    "reply replies respond",
    "_post_ _posts_ postbody message _msg",
    "entry",
    "article artikel",
    "content conteudo contenu contenido inhalt",
    "_main",
    "body",
    "text txt prose richtext rte markdown wysiwyg",
    "story",
    "_nav navi",
    "menu",
    "foot",
    "header _head_ masthead",
    "sidebar _side_ aside rail",
    "widget module gadget",
    "relat similar recommend also more_ moreon",
    "share social sharing addthis",
    "_ad_ _ads_ advert promo sponsor banner adsense _dfp _mpu",
    "cookie consent gdpr privacy",
    "crumb",
    "_meta byline info_ infos",
    "author writer profile avatar user member",
    "_date time publish posted",
    "_tag_ _tags_ taxonomy label",
    "categor topic section",
    "caption credit legend",
    "title headline heading",
    "list listing",
    "item",
    "card tile teaser",
    "grid gallery carousel slide swiper",
    "product price cart shop",
    "thread forum discuss topic",
    "signature _sig_ _sig",
    "quote",
    "search",
    "login signin signup register account",
    "modal popup dialog overlay lightbox tooltip",
    "newsletter subscri mailing",
    "hidden hide_ invisible sronly visually",
    "rating review stars vote score",
    "pagin pager pages_ next_ prev",
    "excerpt summary intro lead_ lede standfirst abstract",
    "descri detail",
    "image photo picture _img figure media thumb",
    "video player audio",
    "question answer faq",
    "hero jumbotron cta feature",
    "testimonial client partner team",
    "button _btn",
    "copyright legal disclaimer terms",
    "_toc_ tableofcontents contents_",
    "wiki docs doc_ document",
    "code highlight syntax",
    "toolbar tools actions options controls",
    "language lang_ country locale",
    "_tab_ _tabs_ accordion collapse panel",
    "_row_ _row_ _col_ column",
    "container wrap inner outer layout",
    "popular trending latest recent news_ top_",
    "event calendar",
    "contact address phone",
    "spec feature attribute",
];

/// How many notions there are.
pub const COUNT: usize = 64;

static SEARCH: LazyLock<(AhoCorasick, Vec<u8>)> = LazyLock::new(|| {
    let (mut words, mut numbers) = (Vec::new(), Vec::new());
    for (number, list) in NOTIONS.iter().enumerate() {
        for word in list.split_whitespace() {
            words.push(word);
            numbers.push(number as u8);
        }
    }
    let search = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
        .expect("a few hundred short words");
    (search, numbers)
});

/// Bytes of a name that are read (our choice); some classes have kilobytes of utility names.
const READ: usize = 400;

/// Notions in a name.
pub fn notions(name: &str) -> u64 {
    let (search, numbers) = &*SEARCH;
    let mut words = String::with_capacity(name.len() + 8);
    words.push('_');
    let mut was_lower = false;
    for byte in name.bytes().take(READ) {
        if byte.is_ascii_alphanumeric() {
            if byte.is_ascii_uppercase() && was_lower {
                words.push('_');
            }
            words.push(char::from(byte.to_ascii_lowercase()));
            was_lower = !byte.is_ascii_uppercase();
        } else {
            words.push('_');
            was_lower = false;
        }
    }
    words.push('_');
    let hits = search.find_overlapping_iter(&words);
    hits.fold(0, |found, hit| found | 1 << numbers[hit.pattern().as_usize()])
}

/// What is read of an element's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Notions in its `class`, `id`, `role` and `itemprop`.
    pub notions: u64,
    /// A number for its class.
    pub class: u32,
}

/// The names of an element.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn of(tree: &Tree<'_>, node: Node, budget: &mut Budget) -> Result<Named, TooCostly> {
    let mut found = Named::default();
    for (name, value) in tree.raw_attributes(node) {
        let is_class = name.eq_ignore_ascii_case("class");
        let is_other = || ["id", "role", "itemprop"].iter().any(|n| name.eq_ignore_ascii_case(n));
        if !is_class && !is_other() {
            continue;
        }
        budget.spend(8 + 4 * value.len().min(READ))?;
        found.notions |= notions(&value);
        if is_class {
            found.class = class_number(&value);
        }
    }
    Ok(found)
}

/// A hash of a class without its digits: siblings count on in theirs.
fn class_number(value: &str) -> u32 {
    let letters = value.bytes().take(READ).filter(|byte| !byte.is_ascii_digit());
    letters.fold(0x811C_9DC5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
