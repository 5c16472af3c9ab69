//! Pages to documents, many at once: responses in, columns of text and of what surrounds it out.
//!
//! One tree a page serves its main text ([`crate::extract`]), its title and its date
//! ([`crate::page`]). Which pages are worth keeping is not judged here.

use crate::Result;
use crate::extract::batch::{Outcome, guarded};
use crate::extract::{self, Options};
use crate::html::{Budget, TooCostly, Tree};
use crate::page::date::{self, Bounds, Day};
use crate::page::{self, language, title};

/// What finds the main text of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The rules of [`crate::extract`].
    Rules,
    /// The rules, and the model that decides block by block.
    WebText,
}

impl Engine {
    /// All of them.
    pub const ALL: [Engine; 2] = [Engine::Rules, Engine::WebText];

    /// The name that users choose it by.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Rules => "rules",
            Engine::WebText => "webtext",
        }
    }

    /// Raised with every change that gives a page another text, title, language or date.
    pub fn version(self) -> u32 {
        match self {
            Engine::Rules => 3,
            Engine::WebText => extract::model::NUMBER,
        }
    }
}

/// In a column of times: not known. In a column of days: none.
pub const NO_TIME: i64 = i64::MIN;

/// In a column of days: none.
pub const NO_DAY: i32 = i32::MIN;

/// A response of a server.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// Content codings undone.
    pub body: &'a [u8],
    /// The header's value; empty for none.
    pub content_type: &'a [u8],
    /// Where the body came from; empty where nobody knows.
    pub url: &'a [u8],
    /// Seconds since 1970, or [`NO_TIME`]; it bounds the day of publication.
    pub fetched_at: i64,
}

/// A header's value or an address as text; None where it is empty.
fn text(bytes: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes))
}

/// A column of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Bounds; one more than rows.
    pub offsets: Vec<i64>,
    /// Texts one after another.
    pub data: String,
}

impl Default for Texts {
    fn default() -> Self {
        Texts { offsets: vec![0], data: String::new() }
    }
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.data.push_str(text);
        self.offsets.push(self.data.len() as i64);
    }
}

/// Documents of a batch, a row for each page in order; a page that failed has empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// [`Outcome`] by number.
    pub outcomes: Vec<u8>,
    /// Main texts, maybe empty.
    pub texts: Texts,
    /// Titles; empty for none.
    pub titles: Texts,
    /// ISO 639-1 codes, or `und`.
    pub languages: Texts,
    /// Charset and evidence, as `utf-8:http`.
    pub charsets: Texts,
    /// Days of publication since 1970, or [`NO_DAY`].
    pub published: Vec<i32>,
}

#[derive(Default)]
struct Document {
    text: String,
    title: String,
    language: &'static str,
    charset: String,
    published: Option<Day>,
}

/// The document of each response, by `engine`.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) where no thread starts.
pub fn documents(pages: &[Response<'_>], engine: Engine, options: &Options) -> Result<Columns> {
    let mut columns = Columns::default();
    let work = |row: usize| document(&pages[row], engine, options);
    guarded(pages.len(), work, |outcome: Outcome, found: Document| {
        columns.outcomes.push(outcome as u8);
        columns.texts.push(&found.text);
        columns.titles.push(&found.title);
        columns.languages.push(found.language);
        columns.charsets.push(&found.charset);
        columns.published.push(found.published.map_or(NO_DAY, Day::days_since_1970));
    })?;
    Ok(columns)
}

fn document(
    page: &Response<'_>,
    engine: Engine,
    options: &Options,
) -> std::result::Result<Document, TooCostly> {
    let mut budget = Budget::new(options.budget);
    budget.spend(page.body.len())?;
    let decoded = page::decode(page.body, text(page.content_type).as_deref());
    let tree = Tree::parse(&decoded.text, &options.limits)?;
    let captured = (page.fetched_at != NO_TIME).then(|| Day::from_unix(page.fetched_at)).flatten();
    let url = text(page.url);
    let title = title::title(&tree).unwrap_or_default();
    let published = date::published(&tree, url.as_deref(), &Bounds::until(captured));
    let options = Options { model: engine == Engine::WebText, ..*options };
    let text = extract::of_tree(tree, &options, &mut budget)?.text;
    let language = language::detect(&text);
    Ok(Document { language, title, published, charset: decoded.to_string(), text })
}
