//! What follows the rules of extraction, on small pages: readability, justext, data that pages
//! carry, the baseline, and which of the texts is taken.

use webtext::extract::baseline::baseline;
use webtext::extract::block::{Block, Kind, joined};
use webtext::extract::embedded::{embedded, rendered};
use webtext::extract::escalate::{Taken, choose};
use webtext::extract::flow::paragraphs;
use webtext::extract::furniture::without_furniture;
use webtext::extract::justext::justext;
use webtext::extract::readability::readability;
use webtext::extract::{Options, extract};
use webtext::html::{Budget, Limits, Node, TooCostly, Tree};

fn parse(source: &str) -> Tree<'_> {
    Tree::parse(source, &Limits::default()).expect("within the limits")
}

fn plenty() -> Budget {
    Budget::new(1_000_000_000)
}

fn flowing(source: &str) -> String {
    let tree = parse(source);
    joined(&paragraphs(&tree, 0, tree.len() as Node))
}

fn texts(blocks: &[Block]) -> Vec<&str> {
    blocks.iter().map(|block| block.text.as_str()).collect()
}

/// A sentence with stop words in it; each number gives another.
fn sentence(number: usize) -> String {
    format!("It was the {number}th time that they had come to the house by the sea, and it rained.")
}

fn prose(from: usize, count: usize) -> String {
    (from..from + count).map(sentence).collect::<Vec<_>>().join(" ")
}

#[test]
fn text_flows_by_blocks() {
    for (source, expected) in [
        ("<p>one <b>two</b></p>three<div>four</div>", "one two\n\nthree\n\nfour"),
        ("<p>a line<br>another\nand on", "a line\nanother and on"),
        ("<ul><li>one<li><p>two</p></ul><ul><li>three</ul>", "one\ntwo\n\nthree"),
        ("<ul><li>one<ul><li>inside</ul><li>two</ul>", "one\ninside\ntwo"),
        ("<table><tr><td>a<td>b<p>c</p><tr><td><td>d</table>", "a\tb c\nd"),
        ("<table><tr><td><p>alone</p><p>again</p></table>", "alone\nagain"),
        ("<pre>\n  kept\n    so </pre>end", "  kept\n    so\n\nend"),
        ("<p>one<script>no()</script> two<style>p{}</style>", "one two"),
        ("", ""),
    ] {
        assert_eq!(flowing(source), expected, "{source}");
    }
    let tree = parse("<ol><li>é<li>two</ol><pre>x</pre>");
    let blocks = paragraphs(&tree, 0, tree.len() as Node);
    assert_eq!([blocks[0].kind, blocks[1].kind], [Kind::List, Kind::Code]);
    assert_eq!(blocks[0].length, 5);
}

#[test]
fn furniture_is_what_its_names_say() {
    let left = |source: &str| {
        let tree = without_furniture(&parse(source), &mut plenty()).expect("cheap");
        joined(&paragraphs(&tree, 0, tree.len() as Node))
    };
    for gone in [
        "<aside>x</aside>",
        "<footer>x</footer>",
        "<svg><text>x</text></svg>",
        "<div class=page-footer>x</div>",
        "<div id=footer class=a>x</div>",
        "<p class='Cookie-Banner'>x</p>",
        "<section id=cookiepolicy>x</section>",
        "<div class=notice__cookie>x</div>",
        "<div class=consent-manager>x</div>",
        "<div id=moove_gdpr_cookie>x</div>",
        "<div class=a id=onetrust-group>x</div>",
    ] {
        assert_eq!(left(&format!("{gone}<p>kept")), "kept", "{gone}");
    }
    for kept in [
        "<p class=footer>x</p>",
        "<div class=a id=footer>x</div>",
        "<div class=cookie-recipes>x</div>",
        "<div class=consent>x</div>",
        "<div class=notice-of-cookie>x</div>",
    ] {
        assert_eq!(left(kept), "x", "{kept}");
    }
}

#[test]
fn justext_keeps_prose_and_what_stands_in_it() {
    let (long, other) = (prose(1, 3), prose(4, 3));
    let links = format!("<p><a href=/>{}</a></p>", prose(9, 3));
    let page = format!(
        "<div>Menu</div>{links}<h2>In front</h2><p>{long}</p><h2>Between</h2><p>{other}</p>{links}\
         <p>Behind</p><p>© 2009 {long}</p><select><option>{long}</option></select>"
    );
    let found = justext(&parse(&page), &mut plenty()).expect("cheap");
    assert_eq!(texts(&found), [&long, "Between", &other]);
    // Words that are no stop words of any language.
    let noise = "Xqzt wvk plmr ".repeat(20);
    assert!(justext(&parse(&format!("<p>{noise}</p>")), &mut plenty()).expect("cheap").is_empty());
}

#[test]
fn justext_ends_paragraphs_at_blocks_and_double_breaks() {
    let (one, two) = (prose(1, 3), prose(4, 3));
    for (source, expected) in [
        (format!("{one}<br><br>{two}"), vec![one.as_str(), &two]),
        (format!("{one}<br> <br>{two}"), vec![&one, &two]),
        (format!("{one}<br>{two}"), vec![&*format!("{one} {two}")]),
        (format!("<p>{one}</p>{two}"), vec![&one, &two]),
        (format!("<b>{one}</b> <i>{two}</i>"), vec![&*format!("{one} {two}")]),
    ] {
        let found = justext(&parse(&source), &mut plenty()).expect("cheap");
        assert_eq!(texts(&found), expected, "{source}");
    }
}

#[test]
fn data_of_a_page_has_its_texts() {
    let found = |json: &str| {
        let page = format!("<script type='application/ld+json'>{json}</script>");
        let found = embedded(&parse(&page), &mut plenty()).expect("cheap");
        (found.bodies, found.teasers)
    };
    let of = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    for (json, bodies, teasers) in [
        (r#"{"@type": "Article", "articleBody": "one"}"#, vec!["one"], vec![]),
        (r#"{"@graph": [{"x": 1}, {"reviewBody": "two"}]}"#, vec!["two"], vec![]),
        (r#"[{"recipeInstructions": ["a", {"text": "b"}]}]"#, vec!["a", "b"], vec![]),
        (
            r#"{"@type": "HowTo", "step": {"itemListElement": [{"text": "c"}, 3]}}"#,
            vec!["c"],
            vec![],
        ),
        (
            r#"{"mainEntity": [{"acceptedAnswer": {"text": "d"}}, {"acceptedAnswer": "e"}]}"#,
            vec!["d"],
            vec![],
        ),
        (r#"{"@type": ["Product"], "description": "f"}"#, vec![], vec!["f"]),
        // Raw line ends, as pages have them; other types are not described.
        ("{\"articleBody\": \"g\n\\\"h\",\n\t\"description\": \"no\"}", vec!["g\n\"h"], vec![]),
        (r#"{"articleBody": "cut"#, vec![], vec![]),
        (r#"{"articleBody": 7}"#, vec![], vec![]),
    ] {
        assert_eq!(found(json), (of(&bodies), of(&teasers)), "{json}");
    }
    // Deeper than anybody nests: no text, no overflow.
    let deep = format!("{}{}", "{\"@graph\": [".repeat(200_000), "\"articleBody\"");
    assert_eq!(found(&deep), (vec![], vec![]));
}

#[test]
fn posts_that_a_forum_loads_are_its_text() {
    let posts = r#"{"post_stream": {"posts": [{"cooked": "<p>First</p>"}, {"cooked": "Second"}]}}"#;
    let outer = serde_json::json!({"topic_12": posts, "site": "{}", "topic_x": "no JSON"});
    let escaped = outer.to_string().replace('&', "&amp;").replace('"', "&quot;");
    let page = format!("<div id=data-preloaded data-preloaded=\"{escaped}\"></div>");
    let found = embedded(&parse(&page), &mut plenty()).expect("cheap");
    assert_eq!(found.bodies, ["<p>First</p>", "Second"]);
}

#[test]
fn markup_in_data_is_read() {
    let text = |raw: &str| joined(&rendered(raw, &mut plenty()).expect("cheap"));
    for (raw, expected) in [
        ("<p>one</p><p>two &amp; three</p>", "one\n\ntwo & three"),
        ("&lt;p&gt;one&lt;/p&gt;two", "one\n\ntwo"),
        ("one &amp; two\n\nthree", "one & two\n\nthree"),
        ("i<b and c>d", "i<b and c>d"),
        ("a < b, 3<p", "a < b, 3<p"),
        ("see <a href=\"x\">this</a>", "see this"),
        ("tea &amp; <br/>cake", "tea &\ncake"),
        ("", ""),
    ] {
        assert_eq!(text(raw), expected, "{raw}");
    }
}

#[test]
fn the_baseline_takes_the_first_source_that_has_enough() {
    let found = |page: &str| joined(&baseline(&parse(page), &mut plenty()).expect("cheap"));
    let (one, two, other) = (prose(1, 2), prose(3, 2), prose(5, 12));
    let data = |kind: &str, key: &str, text: &str| {
        format!(
            "<script type='application/ld+json'>{{\"@type\": \"{kind}\", \"{key}\": \"{text}\"}}</script>"
        )
    };
    // Data, once where it is there twice.
    let article = data("Article", "articleBody", &one);
    assert_eq!(found(&format!("{article}{article}<article>{two}</article>")), one);
    // Articles, but for a teaser of another.
    let teaser = sentence(99) + &sentence(98);
    let articles = format!("<article>{other}</article><article>{teaser}</article><p>{two}");
    assert_eq!(found(&articles), other);
    // Paragraphs, those inside others once, repeats once.
    let page = format!("<p>{one}<blockquote><p>{two}</p></blockquote><div>no</div><p>{one}</p>");
    assert_eq!(found(&page), format!("{one}\n\n{two}"));
    // A description is taken if all text of the body is shorter.
    let product = data("Product", "description", &one);
    assert_eq!(found(&format!("{product}<div>short</div>")), one);
    assert_eq!(found(&format!("{product}<div>{other}</div>")), other);
    assert_eq!(found("<div>all<aside>no</aside> there is</div>"), "all there is");
    assert_eq!(found(""), "");
}

#[test]
fn readability_finds_the_article() {
    let article = |page: &str| {
        let found = readability(&parse(page), &mut plenty()).expect("cheap")?;
        let length = found.length;
        let text = joined(&found.into_blocks(&mut plenty()).expect("cheap"));
        Some((text, length))
    };
    let (one, two, three) = (prose(1, 2), prose(3, 2), prose(5, 2));
    let links = "<a href=/>Here</a> <a href=/>and there</a> ".repeat(9);
    let page = format!(
        "<form><div id=menu>{links}</div><div class=sidebar><p>{three}</div>\
         <div class=body><h2>Title</h2><h3><a href=/>Linked</a></h3><p>{one}</p>{two}\
         <ul><li>{links}</ul><div class=widget>{links}</div><script>no()</script></div>\
         <div class=comments><p>{three}</div></form>"
    );
    let (text, length) = article(&page).expect("an article");
    assert_eq!(text, format!("Title\n\n{one}\n\n{two}"));
    assert_eq!(length, text.chars().count() - 4, "without what parts its blocks");
    // What stands beside it and reads like sentences belongs to it.
    let page = format!("<div><p>Short one.</p><div><p>{one}<p>{two}</div><p>No stop</p></div>");
    assert_eq!(article(&page).expect("an article").0, format!("Short one.\n\n{one}\n\n{two}"));
    assert_eq!(article("<div>nothing</div>"), None);
    assert_eq!(article(""), None);
}

#[test]
fn only_short_and_odd_texts_are_rescued() {
    let rescued = |text: &str, length: usize, odd: bool| {
        let page = format!("<div><p>{text}</p></div>");
        let article = readability(&parse(&page), &mut plenty()).expect("cheap");
        let article = article.expect("an article");
        (article.length, article.rescues(length, odd))
    };
    let (short, long) = (prose(1, 2), prose(1, 8));
    for (text, length, odd, expected) in [
        (&long, 0, false, true),
        (&long, 250, false, true),
        (&long, 400, false, false), // more than half as long
        (&prose(1, 30), 499, false, true),
        (&prose(1, 30), 500, false, false),
        (&format!("{{\"a\": 1}} {long}"), 100, false, false), // data
        (&long, 1200, true, true),
        (&long, 1400, true, false), // more than twice as long
        (&short, 300, true, false), // short itself
    ] {
        assert_eq!(rescued(text, length, odd).1, expected, "{length} {odd}");
    }
    assert_eq!(rescued(&short, 0, false).0, short.len());
    assert!((601..=700).contains(&rescued(&long, 0, false).0));
}

#[test]
fn a_page_of_tables_has_its_article() {
    let cells = (0..6).map(|n| format!("<tr><td>{}<td>a cell</tr>", prose(10 * n, 1)));
    let table: String = cells.collect();
    let body: String = (70..80).map(|n| format!("<p>{}</p>", prose(n, 2))).collect();
    let page = format!(
        "<table><tr><td><table>{table}</table><td><div class=body>{body}</div></tr></table>"
    );
    let options = |rescue| Options { rescue, ..Options::default() };
    let text = |rescue| extract(&page, &options(rescue)).expect("cheap").text;
    assert!(text(false).contains("a cell"));
    assert!(!text(true).contains("a cell"));
    assert!(text(true).contains(&prose(70, 2)));
}

#[test]
fn a_doubtful_text_is_replaced_by_a_much_longer_one() {
    for (lengths, taken) in [
        ((100, 200, 0), Taken::First), // the retry is short itself
        ((100, 250, 0), Taken::Retry),
        ((200, 300, 0), Taken::First), // not one and a half times
        ((200, 301, 0), Taken::Retry),
        ((200, 0, 400), Taken::First), // not twice
        ((200, 0, 401), Taken::Justext),
        ((200, 402, 401), Taken::Retry), // longer than justext's
    ] {
        assert_eq!(choose(lengths.0, lengths.1, lengths.2), taken, "{lengths:?}");
    }
}

#[test]
fn pages_without_a_frame_have_their_text() {
    let text = |page: &str| extract(page, &Options::default()).expect("cheap").text;
    // Loose text that no rule of the frame takes.
    let page = format!("<section><span>{}</span></section>", prose(1, 6));
    assert_eq!(text(&page), prose(1, 6));
    let data = format!(
        "<body><div id=app></div><script type='application/ld+json'>{{\"articleBody\": \"{}\"}}\
         </script>",
        prose(1, 3)
    );
    assert_eq!(text(&data), prose(1, 3));
}

#[test]
fn a_thread_keeps_all_its_posts() {
    let posts: String = (1..5)
        .map(|n| {
            format!(
                "<div><h3>name {n}</h3><div><div><blockquote><p>{}</blockquote></div></div></div>",
                prose(10 * n, 3 + 9 * (n / 4))
            )
        })
        .collect();
    let page = |kind: &str| {
        format!(
            "<script type='application/ld+json'>{{\"@type\": \"{kind}\"}}</script>\
             {posts}"
        )
    };
    let text = |kind: &str| extract(&page(kind), &Options::default()).expect("cheap").text;
    let posts_in = |text: &str| (1..5).filter(|n| text.contains(&sentence(10 * n))).count();
    assert_eq!(posts_in(&text("DiscussionForumPosting")), 4);
    assert_eq!(posts_in(&text("Article")), 1, "readability's choice");
}

#[test]
fn all_work_is_counted() {
    let page = format!("<div><p class=x>{}</div>", prose(1, 50));
    let tree = parse(&page);
    let few = || Budget::new(20);
    assert_eq!(readability(&tree, &mut few()).err(), Some(TooCostly));
    assert_eq!(justext(&tree, &mut few()).err(), Some(TooCostly));
    assert_eq!(baseline(&tree, &mut few()).err(), Some(TooCostly));
    assert_eq!(without_furniture(&tree, &mut Budget::new(3)).err(), Some(TooCostly));
    assert_eq!(rendered(&page, &mut few()).err(), Some(TooCostly));
}
