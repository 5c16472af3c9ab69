//! What the attributes of elements say about them: names that themes and plugins give to frames of
//! articles and to boilerplate.
//!
//! All names are searched for at once, in one pass over an element's `id` and `class`. The tokens
//! are trafilatura's 2.3.1; matches are of parts of the value and mind case unless said otherwise.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::html::{Budget, Node, TooCostly, Tree, names};

/// An article's body, by the names that most themes use.
pub const BODY: u32 = 1;
/// The same by rarer names: of stories, posts, single columns.
pub const STORY: u32 = 1 << 1;
/// The main content of a page.
pub const MAIN_CONTENT: u32 = 1 << 2;
/// Something whose `id`, `class` or `role` begins with `main`.
pub const MAIN: u32 = 1 << 3;
/// Navigation, sharing, advertisements, authors and the like.
pub const BOILERPLATE: u32 = 1 << 4;
/// Hidden from readers, or a reply form.
pub const HIDDEN: u32 = 1 << 5;
/// A picture's caption.
pub const CAPTION: u32 = 1 << 6;
/// A teaser of another page.
pub const TEASER: u32 = 1 << 7;
/// Where a theme appends whole other articles as one scrolls.
pub const SCROLL: u32 = 1 << 8;
/// The same, or buttons for sharing, by names that are never anything else.
pub const APPENDED: u32 = 1 << 9;
/// Readers' comments.
pub const COMMENTS: u32 = 1 << 10;
/// The same by names that are not given to lists.
pub const COMMENT_SERVICE: u32 = 1 << 11;
/// A block of code on pages of one school.
pub const CODE: u32 = 1 << 12;

const ID: u8 = 1;
const CLASS: u8 = 2;
const BOTH: u8 = ID | CLASS;

/// Attribute, family, tokens. `^` anchors a token to the beginning.
const TOKENS: &[(u8, u32, &str)] = &[
    (
        ID,
        BODY,
        "entry-content article-content art-content article__content article-body article__body \
         articlebody articleBody body-text",
    ),
    (
        CLASS,
        BODY,
        "post-text post_text post-body post-entry postentry post-content post_content \
         postcontent postContent post_inner_wrapper article-text articletext articleText \
         entry-content page-content text-content article-content art-content article__content \
         article-body article__body articlebody articleBody ArticleContent body-text \
         article__container",
    ),
    (ID, STORY, "^primary story-body"),
    (
        CLASS,
        STORY,
        "^article_ post-bodycopy story-content storycontent theme-content blog-content \
         section-content single-content single-post main-column wpb_text_column story-body \
         field-body",
    ),
    (ID, MAIN_CONTENT, "content-main content-body contentBody"),
    (CLASS, MAIN_CONTENT, "content-main content_main content-body content__body contentbody"),
    (BOTH, MAIN_CONTENT, "main-content Main-content main-Content Main-Content"),
    (CLASS, MAIN_CONTENT, "page-content Page-content page-Content Page-Content"),
    (BOTH, MAIN, "^main"),
    (
        BOTH,
        BOILERPLATE,
        "^shar social viral newsletter syndication tags sidebar banner bread-crumb breadcrumb \
         button author",
    ),
    (
        ID,
        BOILERPLATE,
        "^jp- ^dpsp-content bmdh footer Footer share Share nav Nav menu related \
         message-container premium ^ad-",
    ),
    (
        CLASS,
        BOILERPLATE,
        "^nav ^post-nav ^ZendeskForm subnav avigation navbar navbox menu bar _ad_ -ad- ^ad- _ad- \
         dfpAd dfpad outbrain taboola criteo paid-content paidcontent widget footer Footer byline \
         Byline share- sociable embed tag-list consent modal-content permission elated next- \
         -stories most-popular more-on meta rating attachment timestamp user-info user-profile \
         -icon article-infos message-container slide viewport overlay options expand obfuscated \
         blurred mol-factbox yin zlylin nfoline",
    ),
    (ID, HIDDEN, "reader-comments akismet"),
    (
        CLASS,
        HIDDEN,
        "^hide- comments-title nocomments -reply- message akismet suggest-links -hide- \
         hide-print _hidden _hide noprint notloaded",
    ),
    (BOTH, CAPTION, "caption"),
    (BOTH, TEASER, "teaser Teaser"),
    (BOTH, SCROLL, "infinite-scroll infinitescroll"),
    (BOTH, APPENDED, "mvp-post-add-box mvp-post-add-wrap"),
    (CLASS, APPENDED, "elementor-share-buttons"),
    (ID, COMMENTS, "^comol"),
    (CLASS, COMMENTS, "article-comments post-comments"),
    (ID, COMMENT_SERVICE, "^disqus_thread ^dsq-comments"),
    (CLASS, CODE, "w3-code"),
];

/// One token: where it counts and for what.
struct Token {
    attribute: u8,
    anchored: bool,
    family: u32,
}

static SEARCH: LazyLock<(Option<AhoCorasick>, Vec<Token>)> = LazyLock::new(|| {
    let (mut texts, mut tokens) = (Vec::new(), Vec::new());
    for &(attribute, family, list) in TOKENS {
        for text in list.split_whitespace() {
            let anchored = text.starts_with('^');
            // An underscore at an end stands for a blank.
            let bare = text.trim_start_matches('^');
            let mut text = bare.to_owned();
            if bare.starts_with('_') {
                text.replace_range(..1, " ");
            }
            if bare.ends_with('_') {
                text.replace_range(bare.len() - 1.., " ");
            }
            texts.push(text);
            tokens.push(Token { attribute, anchored, family });
        }
    }
    let search = AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(texts);
    (search.ok(), tokens)
});

fn families_in(value: &str, attribute: u8) -> u32 {
    let (search, tokens) = &*SEARCH;
    let Some(search) = search else { return 0 };
    let mut found = 0;
    for hit in search.find_overlapping_iter(value) {
        let token = &tokens[hit.pattern().as_usize()];
        if token.attribute & attribute != 0 && (!token.anchored || hit.start() == 0) {
            found |= token.family;
        }
    }
    let comment = value.strip_prefix("comment").or_else(|| value.strip_prefix("Comment"));
    if comment.is_some_and(|rest| !rest.starts_with("ary")) {
        found |= COMMENTS;
    }
    found
}

/// Families of every element of a tree; none of runs of text.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn of_all(tree: &Tree<'_>, budget: &mut Budget) -> Result<Vec<u32>, TooCostly> {
    budget.spend(tree.len())?;
    let mut found = vec![0; tree.len()];
    for node in 0..tree.len() as Node {
        if tree.has_attributes(node) {
            found[node as usize] = of(tree, node, budget)?;
        }
    }
    Ok(found)
}

/// Which of two kinds of attribute came first in the source.
#[derive(Default)]
struct First(bool);

impl First {
    /// True once, for the first attribute that asks.
    fn take(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }
}

fn of(tree: &Tree<'_>, node: Node, budget: &mut Budget) -> Result<u32, TooCostly> {
    let name = tree.name(node);
    // These never are frames or boilerplate, and are most of what has attributes.
    if matches!(
        name,
        names::SCRIPT | names::LINK | names::META | names::IMG | names::STYLE | names::PATH
    ) {
        return Ok(0);
    }
    let mut found = 0;
    let (mut id_or_class, mut id_or_style) = (First::default(), First::default());
    let (mut id_seen, mut class_seen) = (false, false);
    for (name, value) in tree.raw_attributes(node) {
        if !matches!(name.len(), 2 | 4 | 5 | 6 | 8 | 11 | 14 | 27) {
            continue; // none of the names below
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        budget.spend(8 + value.len())?;
        if is("class") && !std::mem::replace(&mut class_seen, true) {
            found |= families_in(&value, CLASS);
            if matches!(&*value, "post" | "entry") {
                found |= BODY;
            }
            if matches!(&*value, "postarea" | "art-postcontent" | "text" | "cell" | "story")
                || value.as_bytes().windows(8).any(|part| part.eq_ignore_ascii_case(b"fulltext"))
            {
                found |= STORY;
            }
            if value == "content" {
                found |= MAIN_CONTENT;
            }
            if id_or_class.take() {
                found |= first_of_two(&value);
            }
        } else if is("id") && !std::mem::replace(&mut id_seen, true) {
            found |= families_in(&value, ID);
            match &*value {
                "articleContent" => found |= BODY,
                "article" | "story" => found |= STORY,
                "content" => found |= MAIN_CONTENT,
                _ => {}
            }
            if id_or_class.take() {
                found |= first_of_two(&value);
            }
            if id_or_style.take() && value.contains("hidden") {
                found |= HIDDEN;
            }
        } else if is("style") {
            let hidden = id_or_style.take() && value.contains("hidden");
            if hidden || value.contains("display:none") || value.contains("display: none") {
                found |= HIDDEN;
            }
        } else if is("itemprop") {
            found |= if value == "articleBody" { BODY } else { 0 };
        } else if is("role") {
            found |= if value == "article" { STORY } else { 0 };
            found |= if value.starts_with("main") { MAIN } else { 0 };
            if value.contains("nav") || value.contains("Nav") {
                found |= BOILERPLATE;
            }
        } else if is("aria-hidden") {
            found |= if value == "true" { HIDDEN } else { 0 };
        } else if is("hidden") {
            // A search finds the other kind, and opens it.
            found |= if value.eq_ignore_ascii_case("until-found") { 0 } else { HIDDEN };
        } else if is("data-lp-replacement-content")
            || (is("data-component") && value.contains("MostPopularStories"))
        {
            found |= BOILERPLATE;
        }
    }
    Ok(found)
}

/// What is looked for in the first of `id` and `class` only.
fn first_of_two(value: &str) -> u32 {
    // Pages about cookies have the word in names of real content, mostly in the second.
    let cookie = if value.contains("cookie") { BOILERPLATE } else { 0 };
    cookie | if value.starts_with("reply-") { HIDDEN } else { 0 }
}
