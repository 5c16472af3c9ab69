//! Dates in `meta` elements.

use super::day::{Bounds, Day};
use super::expression::parse;
use super::scan::in_url;
use crate::html::{Node, Tree, names};

/// Names and properties that hold when a page was published, in alphabetical order.
const PUBLISHED: [&str; 69] = [
    "analyticsattributes.articledate",
    "article.created",
    "article.published",
    "article:post_date",
    "article:publicationdate",
    "article:published",
    "article:published_date",
    "article:published_time",
    "article_date_original",
    "bt:pubdate",
    "citation_date",
    "citation_publication_date",
    "content_create_date",
    "created",
    "cxenseparse:recs:publishtime",
    "date",
    "date_created",
    "date_published",
    "datecreated",
    "dateposted",
    "datepublished",
    "dc.created",
    "dc.date",
    "dc.date.created",
    "dc.date.issued",
    "dc.date.publication",
    "dc:created",
    "dc:date",
    "dcsext.articlefirstpublished",
    "dcterms.created",
    "dcterms.date",
    "dcterms.issued",
    "displaydate",
    "doc_date",
    "field-name-post-date",
    "gentime",
    "mediator_published_time",
    "meta",
    "og:article:published",
    "og:article:published_time",
    "og:datepublished",
    "og:pubdate",
    "og:publish_date",
    "og:published_time",
    "og:question:published_time",
    "og:regdate",
    "originalpublicationdate",
    "parsely-pub-date",
    "pdate",
    "ptime",
    "pubdate",
    "publication_date",
    "publish-date",
    "publish_date",
    "publish_time",
    "publishdate",
    "published-date",
    "published_date",
    "published_time",
    "publisheddate",
    "rbpubdate",
    "release_date",
    "rnews:datepublished",
    "sailthru.date",
    "shareaholic:article_published_time",
    "timestamp",
    "twt-published-at",
    "video:release_date",
    "vr:published_time",
];

/// Names that hold when a page was changed: better than nothing.
const MODIFIED_NAMES: [&str; 6] =
    ["last-modified", "lastdate", "lastmod", "lastmodified", "modified", "utime"];

/// Properties of that kind.
const MODIFIED_PROPERTIES: [&str; 16] = [
    "article:modified",
    "article:modified_date",
    "article:modified_time",
    "article:post_modified",
    "bt:moddate",
    "datemodified",
    "dc.modified",
    "dcterms.modified",
    "lastmodified",
    "modificationdate",
    "modified_time",
    "og:article:modified_time",
    "og:modified_time",
    "og:updated_time",
    "revision_date",
    "updated_time",
];

fn is_published(name: &str) -> bool {
    PUBLISHED.binary_search(&name).is_ok()
}

/// What one `meta` element says.
enum Said {
    Published(Day),
    /// When it was changed, or another second choice.
    Reserve(Day),
}

/// The first date of publication in the `meta` elements, else the last second choice.
pub(super) fn date(tree: &Tree<'_>, bounds: &Bounds) -> Option<Day> {
    let mut reserve = None;
    for meta in tree.descendants(0).filter(|&element| tree.name(element) == names::META) {
        match said(tree, meta, bounds) {
            Some(Said::Published(day)) => return Some(day),
            Some(Said::Reserve(day)) => reserve = Some(day),
            None => {}
        }
    }
    reserve
}

fn said(tree: &Tree<'_>, meta: Node, bounds: &Bounds) -> Option<Said> {
    let lower = |name| tree.attr(meta, name).map(|value| value.to_ascii_lowercase());
    let content = tree.attr(meta, "content");
    let datetime = tree.attr(meta, "datetime");
    if content.is_none() && datetime.is_none() {
        return None;
    }
    let content = content.unwrap_or_default();
    let day = || parse(&content, bounds);
    // Only the first of these attributes counts.
    if let Some(name) = lower("name") {
        return match &*name {
            "og:url" => in_url(&content, bounds).map(Said::Reserve),
            name if is_published(name) => day().map(Said::Published),
            name if MODIFIED_NAMES.contains(&name) => day().map(Said::Reserve),
            _ => None,
        };
    }
    if let Some(property) = lower("property") {
        return match &*property {
            property if is_published(property) => day().map(Said::Published),
            property if MODIFIED_PROPERTIES.contains(&property) => day().map(Said::Reserve),
            _ => None,
        };
    }
    if let Some(itemprop) = lower("itemprop") {
        return match &*itemprop {
            "datecreated" | "datepublished" | "pubyear" => {
                let datetime = datetime.filter(|value| !value.is_empty());
                parse(&datetime.unwrap_or(content), bounds).map(Said::Published)
            }
            "copyrightyear" => {
                let day = Day::new(content.parse().ok()?, 1, 1)?;
                bounds.contain(day).then_some(Said::Reserve(day))
            }
            _ => None,
        };
    }
    if let Some(pubdate) = lower("pubdate") {
        return if pubdate == "pubdate" { day().map(Said::Published) } else { None };
    }
    match &*lower("http-equiv")? {
        "date" => day().map(Said::Published),
        "last-modified" => day().map(Said::Reserve),
        _ => None,
    }
}
