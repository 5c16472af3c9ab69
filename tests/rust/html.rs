//! The tree of small pages, rule by rule; `tests/python/html` compares whole pages with lxml.

use std::time::Instant;

use webtext::html::{Lengths, Limits, Node, TooCostly, Tree, names};

/// The tree as one line: `name(text child tail ...)`, texts in quotes.
fn shown(source: &str) -> String {
    let tree = parse(source);
    let mut out = String::new();
    if tree.is_empty() {
        return out;
    }
    let mut open: Vec<Node> = Vec::new();
    for node in tree.nodes_between(0, tree.len() as Node) {
        while open.last().is_some_and(|&end| end <= node) {
            open.pop();
            out.push(')');
        }
        if tree.is_text(node) {
            out.push_str(&format!("{:?}", tree.run(node)));
        } else {
            out.push_str(tree.name_of(tree.name(node)));
            out.push('(');
            open.push(tree.end(node));
        }
    }
    out.extend(open.iter().map(|_| ')'));
    out.replace("\"\"", "")
}

fn parse(source: &str) -> Tree<'_> {
    Tree::parse(source, &Limits::default()).expect("within the limits")
}

/// Cases of one rule: what stands inside `html(body(...))`.
#[track_caller]
fn body(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(shown(source), format!("html(body({expected}))"), "{source}");
    }
}

#[track_caller]
fn page(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(&shown(source), expected, "{source}");
    }
}

#[test]
fn only_a_letter_slash_mark_or_question_makes_markup() {
    body(&[
        ("a < b <1 <_ <- <é", r#""a < b <1 <_ <- <é""#),
        ("a<!-- x -->b<!---->c<!-->d<!--->e<!-- --!>f", r#""abcdef""#),
        ("a<!-x>b<?php ?>c<![CDATA[d]]>e</>f</ x>g<", r#""abcefg<""#),
        ("a<!--b<!--c-->d-->e", r#""ad-->e""#),
        ("a<!---!>b-->c", r#""ac""#),
        ("a</", r#""a</""#),
    ]);
}

#[test]
fn what_the_end_cuts_off_is_lost() {
    for source in ["a<b", "a<b class=\"x", "a<b class='x>y", "a</b", "a<!-- open", "a<b c=", "a<!"]
    {
        assert_eq!(shown(source), r#"html(body("a"))"#, "{source}");
    }
    assert_eq!(shown(""), "");
    assert_eq!(shown("<!-- -->"), "");
}

#[test]
fn controls_vanish_before_anything_is_read() {
    body(&[
        ("<\0p>a\x01b\x0bc\x0cd\u{fffe}e\u{ffff}", r#"p("abcde")"#),
        ("\u{feff}<p>x", r#"p("x")"#),
    ]);
}

#[test]
fn void_elements_and_closed_tags_hold_nothing() {
    body(&[
        ("<br>a<hr>b<img>c<input>d", r#"br()"a"hr()"b"img()"c"input()"d""#),
        ("<wbr>a<source>b", r#"wbr("a"source("b"))"#),
        ("<embed>a", r#"embed()"a""#),
        ("<div/>a</div>b", r#"div()"ab""#),
        ("<a href=x/>b</a>c", r#"a("b")"c""#),
        ("<a href='x'/>b</a>c", r#"a()"bc""#),
        ("<textarea/>a<b>c", r#"textarea()"a"b("c")"#),
    ]);
}

#[test]
fn attributes_keep_order_case_of_values_and_the_first_of_their_name() {
    let tree = parse("<P Class=\"A &amp; B\" class=x id = 'i' b='2'c=3/ d e=f=g =h &amp=i>");
    let p = tree.descendants(0).find(|&node| tree.name(node) == names::P).expect("a p");
    assert_eq!(tree.attr(p, "class").as_deref(), Some("A & B"));
    assert_eq!(tree.attr(p, "d").as_deref(), Some(""));
    assert_eq!(tree.attr(p, "none"), None);
    let listed: Vec<String> = tree.attributes(p).iter().map(|(n, v)| format!("{n}={v}")).collect();
    let expected =
        ["class=A & B", "class=x", "id=i", "b=2", "c=3/", "d=", "e=f=g", "=h=", "&amp=i"];
    assert_eq!(listed, expected);
}

#[test]
fn raw_text_ends_at_its_own_end_tag() {
    page(&[
        ("<script>a<b></scr</script >x", r#"html(head(script("a<b></scr"))body("x"))"#),
        (
            "<script><!-- <script>a</script> b</script>c",
            r#"html(head(script("<!-- <script>a</script> b"))body("c"))"#,
        ),
        ("<script><!-- a</script>b", r#"html(head(script("<!-- a"))body("b"))"#),
        (
            "<script><!-- <script> --> </script>b",
            r#"html(head(script("<!-- <script> --> "))body("b"))"#,
        ),
        ("<style>a<!--</STYLE>x", r#"html(head(style("a<!--"))body("x"))"#),
        ("<title>a<b>&amp;</title>x", r#"html(head(title("a<b>&"))body("x"))"#),
        ("<script>a", r#"html(head(script("a")))"#),
    ]);
    body(&[
        ("<p>a<textarea>&lt;<b></textarea>", r#"p("a"textarea("<<b>"))"#),
        ("<iframe>&amp;<b></iframe><xmp><p></xmp>a", r#"iframe("&amp;<b>")xmp("<p>")"a""#),
        ("<noscript><p>a</p></noscript>b", r#"noscript(p("a"))"b""#),
        ("<plaintext>a</plaintext>b", r#"plaintext("a</plaintext>b")"#),
        ("<svg><title>x<b></title><path/></svg>y", r#"svg(title("x<b>")path())"y""#),
    ]);
}

#[test]
fn html_head_and_body_are_implied() {
    page(&[
        ("a", r#"html(body("a"))"#),
        (" \n a", r#"html(body("a"))"#),
        ("<html> a", r#"html(" "body("a"))"#),
        ("<head> a<p>x", r#"html(head(" ")body("a"p("x")))"#),
        ("<title>t</title><meta> <p>x", r#"html(head(title("t")meta()" ")body(p("x")))"#),
        ("<head></head><script>a</script>b", r#"html(head()script("a")body("b"))"#),
        ("<head><foo>x<div>y</div></foo></head>z", r#"html(head(foo("x"div("y")))body("z"))"#),
        (
            "<head><noscript><p>a</noscript><meta><p>b",
            r#"html(head(noscript(p("a"))meta())body(p("b")))"#,
        ),
        ("<head><title>t</title><body>a", r#"html(head(title("t"))body("a"))"#),
        ("<foo>x", r#"html(body(foo("x")))"#),
        (
            "<frameset><frame><noframes>x</noframes></frameset>",
            r#"html(frameset(frame()noframes("x")))"#,
        ),
        ("<body>a</body> b<script>c</script><p>d", r#"html(body("a")" b"script("c")p("d"))"#),
        ("<body>a</body></html>b<p>c", r#"html(body("a"))"#),
        ("</html></body></p>a", r#"html(body("a"))"#),
    ]);
}

#[test]
fn a_second_document_costs_end_tags_their_effect() {
    page(&[
        ("<html><html><body><body>x</body>y</body>z</html>w</html>v", r#"html(body("xyz"))"#),
        ("<div><html><body></body></html>x</div>y", r#"html(body(div("x")"y"))"#),
        (
            "<html><head><html><title>x</title></head>y</html>z",
            r#"html(head(title("x"))body("y"))"#,
        ),
        ("<div>a<head>b</head>c</div>", r#"html(body(div("abc")))"#),
        (
            "<html><head></head><body>a</body><body>b</body>c",
            r#"html(head()body("a")body("b")"c")"#,
        ),
    ]);
}

#[test]
fn some_elements_close_the_innermost_one() {
    body(&[
        ("<p>a<p>b<div>c</p>d</div>", r#"p("a")p("b")div("cd")"#),
        ("<p>a<section>b</p>c", r#"p("a"section("b"))"c""#),
        ("<p>a<table><tr><td><p>b</table>c", r#"p("a")table(tr(td(p("b"))))"c""#),
        ("<ul><li>a<li>b<ul><li>c</ul>d</ul>", r#"ul(li("a")li("b"ul(li("c"))"d"))"#),
        ("<dl><dt>a<dd>b<dt>c", r#"dl(dt("a")dd("b")dt("c"))"#),
        ("<a>x<a>y</a>z", r#"a("x")a("y")"z""#),
        ("<a><div>b</div><a>c", r#"a(div("b"))a("c")"#),
        ("<b><p>a", r#"b()p("a")"#),
        ("<h1>a<h2>b<p>c", r#"h1("a"h2("b"))p("c")"#),
        ("<form>a<form>b", r#"form("a")form("b")"#),
        (
            "<select><option>a<option>b<optgroup><option>c",
            r#"select(option("a")option("b")optgroup(option("c")))"#,
        ),
        (
            "<tr><td>a<tr><th>b<tbody><tr>c<tfoot><tr>d",
            r#"tr(td("a"))tr(th("b"))tbody(tr("c"))tfoot(tr("d"))"#,
        ),
        ("<colgroup><col><tr>x", r#"colgroup(col())tr("x")"#),
        ("<span>a<td>b</td></span>", r#"span("a")td("b")"#),
        ("<font>a<center>b", r#"font("a")center("b")"#),
    ]);
}

#[test]
fn an_end_tag_closes_nothing_of_higher_priority() {
    body(&[
        ("<b><div>a</b>c</div>", r#"b(div("ac"))"#),
        ("<div><span>a</div>b", r#"div(span("a"))"b""#),
        ("<div><table><tr></div>x", r#"div(table(tr("x")))"#),
        ("<table><tr><td><table></td>a", r#"table(tr(td(table("a"))))"#),
        ("<table><tbody><tr><td>x</tbody>y", r#"table(tbody(tr(td("x")))"y")"#),
        ("<table><td></tr>x</td>", r#"table(td("x"))"#),
        ("<td>a</tr>b<div>c</table>d", r#"td("ab"div("cd"))"#),
        ("<p>a</span></p></p>b", r#"p("a")"b""#),
    ]);
}

#[test]
fn marks_change_what_is_seen_and_copies_have_their_own() {
    let tree = parse("<div>a<p>b<i>c</i>d</p>e<ul><li>f</ul>g</div>h");
    let find = |name| tree.descendants(0).find(|&node| tree.name(node) == name).expect("there");
    let (div, p, i, ul) = (find(names::DIV), find(names::P), find(names::I), find(names::UL));
    assert_eq!((tree.text(div), tree.tail(p), tree.tail(ul)), ("a".into(), "e".into(), "g".into()));
    assert_eq!(tree.children(div).collect::<Vec<_>>(), [p, ul]);

    let mut copy = tree.clone();
    copy.delete(p);
    assert_eq!(copy.text(div), "ae");
    assert!(!copy.is_live(i) && tree.is_live(i));
    assert_eq!(copy.text_content(div), "aefg");
    copy.restore(p);
    copy.unwrap(p);
    copy.rename(ul, names::LIST);
    assert_eq!(copy.children(div).collect::<Vec<_>>(), [i, ul]);
    assert_eq!((copy.text(div), copy.tail(i)), ("ab".into(), "de".into()));
    assert_eq!((copy.parent(i), tree.parent(i)), (Some(div), Some(p)));
    assert_eq!((copy.next_sibling(i), copy.previous_sibling(ul)), (Some(ul), Some(i)));
    assert_eq!((copy.name(ul), tree.name(ul)), (names::LIST, names::UL));
    assert_eq!(tree.text_content(0), "abcdefgh");
}

/// Lengths against the text itself, the slow way.
#[test]
fn lengths_are_those_of_the_text() {
    let source =
        "<div> a<b>b </b>, c<p>\u{a0}</p>&amp;d <i>\u{2003}é中</i>e<script>x y</script> f</div>g";
    let mut tree = parse(source);
    for round in 0..3 {
        let lengths = Lengths::of(&tree);
        for node in 0..tree.len() as Node {
            if !tree.is_live(node) {
                continue;
            }
            let text = tree.text_content(node);
            let words: Vec<&str> = text.split_whitespace().collect();
            let range = (node, tree.end(node));
            assert_eq!(lengths.total(range.0, range.1), text.chars().count(), "{text:?}");
            assert_eq!(lengths.words(range.0, range.1), words.len(), "{text:?}");
            let trimmed = words.join(" ").chars().count();
            assert_eq!(lengths.trimmed(range.0, range.1), trimmed, "{text:?}");
        }
        let name = [names::B, names::P, names::I][round];
        let node = tree.descendants(0).find(|&node| tree.name(node) == name).expect("there");
        tree.delete(node);
    }
}

#[test]
fn deep_elements_become_leaves_and_nodes_have_a_limit() {
    let limits = Limits { depth: 4, ..Limits::default() };
    let tree = Tree::parse("<div><p><b>a<i>b</i>c</b>d</div>e", &limits).expect("few nodes");
    let p = tree.descendants(0).find(|&node| tree.name(node) == names::P).expect("a p");
    let inner: Vec<_> = tree.children(p).map(|node| tree.name(node)).collect();
    assert_eq!(inner, [names::B, names::I]);
    assert_eq!(tree.text_content(p), "abcd");
    assert_eq!(tree.tail(2), "e");
    let limits = Limits { nodes: 3, ..Limits::default() };
    assert!(matches!(Tree::parse("<p>a<p>b<p>c", &limits), Err(TooCostly)));
}

/// Ten times the input takes about ten times as long, not a hundred times.
#[test]
fn hostile_pages_cost_in_proportion() {
    type Page = fn(usize) -> String;
    let pages: [(&str, Page); 10] = [
        ("nested", |n| "<div>".repeat(n) + &"</div>".repeat(n)),
        ("unmatched ends", |n| "<b><div>".to_owned() + &"<i>".repeat(n) + &"</b>".repeat(n)),
        ("open ends", |n| "<p>".repeat(n) + &"</span>".repeat(n)),
        ("attributes", |n| {
            format!("<p {}>", (0..n).map(|i| format!("a{i}=1 ")).collect::<String>())
        }),
        ("open comments", |n| "<!--".repeat(n)),
        ("half ends", |n| "<script>".to_owned() + &"</scrip".repeat(n)),
        ("escaped scripts", |n| "<script><!--".to_owned() + &"<script></script>".repeat(n)),
        ("entities", |n| "&amp;&notit;&x".repeat(n)),
        ("own names", |n| (0..n).map(|i| format!("<x{i}>")).collect()),
        ("quotes", |n| "<a \"".repeat(n)),
    ];
    let seconds = |source: &str| {
        let start = Instant::now();
        let tree = parse(source);
        let listed =
            tree.is_empty() || Lengths::of(&tree).total(0, tree.len() as Node) < source.len() + 1;
        assert!(listed);
        start.elapsed().as_secs_f64()
    };
    for (name, page) in pages {
        let (small, large) = (page(10_000), page(100_000));
        let small = (0..3).map(|_| seconds(&small)).fold(f64::MAX, f64::min);
        let large = (0..3).map(|_| seconds(&large)).fold(f64::MAX, f64::min);
        assert!(large < 40.0 * small.max(5e-3), "{name}: {small} s, then {large} s");
    }
}
