//! Names of attributes.

use super::{families_of, first, parsed};
use webtext::extract::families::*;
use webtext::html::names;

/// Families of the first `div` of a page.
fn of(attributes: &str) -> u32 {
    let html = format!("<div {attributes}>x</div>");
    let tree = parsed(&html);
    families_of(&tree)[first(&tree, names::DIV) as usize]
}

#[test]
fn frames_have_names_of_their_own() {
    for attributes in
        ["class=post", "class='a entry-content b'", "itemprop=articleBody", "id=body-text"]
    {
        assert_eq!(of(attributes) & BODY, BODY, "{attributes}");
    }
    assert_eq!(of("class='post b'") & BODY, 0, "a class that equals `post` only");
    assert_eq!(of("id=post-body") & BODY, 0, "a token of classes");
    for attributes in
        ["role=article", "id=primary-x", "class='article x'", "class=FullText", "class=story"]
    {
        assert_eq!(of(attributes), STORY, "{attributes}");
    }
    assert_eq!(of("class='x article y'"), 0, "anchored to the beginning");
    assert_eq!(of("id=Main-content"), MAIN_CONTENT);
    assert_eq!(of("id=main-content"), MAIN_CONTENT | MAIN);
    assert_eq!(of("role=main"), MAIN);
}

#[test]
fn boilerplate_and_what_is_hidden() {
    for attributes in [
        "class=sharing",
        "id='x sidebar'",
        "class=\"x ad y\"",
        "class=\"ad-slot\"",
        "class='x ad-slot'",
        "role=Navigation",
        "data-lp-replacement-content=x",
        "class=embedded",
        "data-component=MostPopularStories-x",
        "id=nav",
        "class=navigation",
    ] {
        assert_eq!(of(attributes), BOILERPLATE, "{attributes}");
    }
    for attributes in ["class=unavailable", "class='load-x'", "class='re shar'", "id=widget"] {
        assert_eq!(of(attributes), 0, "{attributes}");
    }
    for attributes in [
        "style='a:b;display:none'",
        "style='display: none'",
        "aria-hidden=true",
        "hidden",
        "hidden=hidden",
        "class='a hidden'",
        "style='overflow:hidden'",
        "id=is-hidden",
    ] {
        assert_eq!(of(attributes), HIDDEN, "{attributes}");
    }
    assert_eq!(of("aria-hidden=false"), 0);
    assert_eq!(of("hidden=until-found"), 0);
    assert_eq!((of("id=captions"), of("class=x-Teaser")), (CAPTION, TEASER));
}

#[test]
fn some_names_count_in_the_first_of_two_attributes_only() {
    assert_eq!(of("id=cookie-x class=a"), BOILERPLATE);
    assert_eq!(of("class=a id=cookie-x"), 0);
    assert_eq!(of("id=a style='overflow:hidden'"), 0);
    assert_eq!(of("style='overflow:hidden' id=a"), HIDDEN);
    assert_eq!(of("id=reply-x"), HIDDEN);
    assert_eq!(of("class=a id=reply-x"), 0);
    assert_eq!(of("class=a class=sidebar"), 0, "the first of two classes");
}

#[test]
fn comments_and_appended_articles() {
    assert_eq!(of("id=comments"), COMMENTS);
    assert_eq!(of("class='Comment-list x'"), COMMENTS);
    assert_eq!(of("id=commentary"), 0);
    assert_eq!(of("class='x comment'"), 0);
    assert_eq!(of("class=post-comments"), COMMENTS);
    assert_eq!(of("id=disqus_thread"), COMMENT_SERVICE);
    assert_eq!(of("class=infinite-scroll"), SCROLL);
    assert_eq!(of("id=mvp-post-add-wrap"), APPENDED);
}
