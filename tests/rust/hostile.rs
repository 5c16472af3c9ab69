//! Pages made to break or to slow down extraction, each in a process of its own.
//!
//! A child runs one page through the batch entry, whose thread has a stack of 8 MB, and says how it
//! ended, its CPU time, and how far memory rose. So an abort or an overflow is seen, and the
//! figures are of one page alone. Debug builds are some thirty times slower and get smaller pages.

use std::fs;
use std::process::Command;

use webtext::extract::Options;
use webtext::extract::batch::{Outcome, Source, extract_rows};

const CHILD: &str = "WEBTEXT_HOSTILE_PAGE";
/// How much smaller the pages of a debug build are.
const SMALLER: usize = if cfg!(debug_assertions) { 50 } else { 1 };
/// CPU seconds that a page may cost.
const SECONDS: f64 = if cfg!(debug_assertions) { 8.0 } else { 1.0 };

type Page = (&'static str, fn(usize) -> String);

/// `count` times what `piece` makes of the number.
fn each(count: usize, piece: impl Fn(usize) -> String) -> String {
    let mut page = String::new();
    for number in 0..count {
        page.push_str(&piece(number));
    }
    page
}

/// Open tags, a text, and as many end tags.
fn nested(count: usize, open: &str, close: &str) -> String {
    format!("{}Some words, and more of them.{}", open.repeat(count), close.repeat(count))
}

/// Prose that no two paragraphs share, of stop words and commas.
fn sentence(number: usize) -> String {
    format!(
        "It was the {number}th time that they had come to the house by the sea, and in the {}th \
         of the rooms there was nobody who had seen it before, or so they said.",
        number * 7919 % 100_003
    )
}

fn json_ld(data: &str) -> String {
    format!("<script type=\"application/ld+json\">{data}</script>")
}

/// Kinds of pages, each at full size for `1`, at a part of it for more.
const PAGES: [Page; 56] = [
    ("nested div", |part| nested(100_000 / part, "<div>", "</div>")),
    ("nested span", |part| nested(100_000 / part, "<span>", "</span>")),
    ("nested b, never closed", |part| nested(100_000 / part, "<b>", "")),
    ("nested lists", |part| nested(50_000 / part, "<ul><li>x", "</ul>")),
    ("nested tables", |part| nested(5_000 / part, "<table><tr><td>cell", "</table>")),
    ("nested quotations", |part| nested(50_000 / part, "<blockquote>word ", "</blockquote>")),
    ("nested links", |part| nested(50_000 / part, "<a href=x>link <i>", "</i></a>")),
    ("nested sections with text", |part| {
        nested(50_000 / part, "<section>text<p>and more", "</section>tail")
    }),
    ("nested svg and math", |part| nested(50_000 / part, "<svg><math><g>", "")),
    ("nested unknown elements", |part| nested(100_000 / part, "<x-y>", "</x-y>")),
    ("whole pages inside each other", |part| {
        nested(30_000 / part, "<html><body class=a><div>", "</div></body></html>")
    }),
    ("attributes of one element", |part| {
        format!("<p {}>text", each(100_000 / part, |n| format!("a{n}=\"{n}\" ")))
    }),
    ("the same attribute", |part| format!("<p {}>text", "class=x id=y ".repeat(50_000 / part))),
    ("attributes of many elements", |part| {
        each(5_000 / part, |n| format!("<p {}>{n}</p>", "x=y ".repeat(200)))
    }),
    ("one long attribute", |part| {
        format!("<p class=\"{}\">text", "footer ".repeat(1_000_000 / part))
    }),
    ("many classes", |part| each(200_000 / part, |n| format!("<i class=c{n}>x</i>"))),
    ("classes that begin like names", |part| {
        format!(
            "<div class=\"{}\">text</div>",
            "cookie consent notice-- cooki ".repeat(100_000 / part)
        )
    }),
    ("unique paragraphs, 50 MB", |part| {
        each(300_000 / part, |n| format!("<p>{}</p>\n", sentence(n)))
    }),
    ("one paragraph again and again", |part| {
        format!("<p>{}</p>\n", sentence(1)).repeat(100_000 / part)
    }),
    ("unique paragraphs outside any frame", |part| {
        each(40_000 / part, |n| format!("<blockquote><p>{}</p></blockquote>", sentence(n)))
    }),
    ("loose text between breaks", |part| {
        format!("<div>{}</div>", each(60_000 / part, |n| format!("{}<br><br>", sentence(n))))
    }),
    ("short and long paragraphs in turn", |part| {
        each(60_000 / part, |n| format!("<p>{}</p><p>short {n}</p>", sentence(n)))
    }),
    ("short paragraphs", |part| each(300_000 / part, |n| format!("<p>{n}"))),
    ("paragraphs of links", |part| {
        each(50_000 / part, |n| format!("<p><a href=/{n}>a link</a> <a href=/>b</a></p>"))
    }),
    ("lists of links", |part| {
        each(20_000 / part, |n| {
            format!("<div><ul><li><a href=/{n}>a link of a list</a></ul></div>")
        })
    }),
    ("sibling forms", |part| each(50_000 / part, |n| format!("<form><p>text {n}</p></form>"))),
    ("sibling articles", |part| {
        each(20_000 / part, |n| format!("<article><p>{}</p></article>", sentence(n)))
    }),
    ("sibling tables with links", |part| {
        let row = "<tr><td><a href=/>a cell that is a link</a><td>and text</tr>".repeat(5);
        format!("<table>{row}</table>").repeat(10_000 / part)
    }),
    ("rows", |part| format!("<table>{}</table>", "<tr><td>a<td>b<td>c".repeat(100_000 / part))),
    ("cells of one row", |part| format!("<table><tr>{}</table>", "<td>x".repeat(200_000 / part))),
    ("spans of cells", |part| {
        let rows =
            "<tr><td colspan=1000000 rowspan=1000000>a<td colspan=65535>b".repeat(5_000 / part);
        format!("<table>{rows}</table>")
    }),
    ("entities", |part| "&amp;&lt;&eacute;&#8364;&#x20AC; ".repeat(200_000 / part)),
    ("entities that are none", |part| {
        "&x;&#;&#x;&#99999999999999;&#xFFFFFFFF;&notanentity;&&&".repeat(100_000 / part)
    }),
    ("ampersands", |part| format!("<p>{}", "&".repeat(5_000_000 / part))),
    ("an open comment", |part| format!("<p>before<!-- {}", "text - - ".repeat(1_000_000 / part))),
    ("openings of comments", |part| "<!--".repeat(2_000_000 / part)),
    ("comments", |part| "<!-- --><!-->text<!--->".repeat(300_000 / part)),
    ("NUL bytes", |part| "<p>te\0xt\0</p>\0\0\0\0".repeat(500_000 / part)),
    ("controls and noncharacters", |part| {
        "<p\u{1}>\u{7f}\u{85}a\u{fffe}\u{fdd0}\u{feff}\u{202e}</p>".repeat(200_000 / part)
    }),
    ("opening angles", |part| "<".repeat(5_000_000 / part)),
    ("angles and letters", |part| "<a".repeat(2_500_000 / part)),
    ("end tags of nothing", |part| {
        format!("{}{}", "<div><i>".repeat(200), "</p></x></table></b>".repeat(200_000 / part))
    }),
    ("an open quotation mark", |part| {
        format!("<p>text</p><div class=\"{}", "<p>x".repeat(2_000_000 / part))
    }),
    ("scripts in comments in scripts", |part| "<script><!--<script>".repeat(300_000 / part)),
    ("raw text without end", |part| "<textarea><title><style></style".repeat(200_000 / part)),
    ("data that nests", |part| {
        json_ld(&format!("\"articleBody\" {}", "[{\"@graph\":".repeat(300_000 / part)))
    }),
    ("data of small values", |part| {
        json_ld(&format!("{{\"articleBody\":[{}0]}}", "0,".repeat(1_900_000 / part)))
    }),
    ("many scripts of data", |part| {
        each(20_000 / part, |n| json_ld(&format!("{{\"articleBody\":\"<p>{}</p>\"}}", sentence(n))))
    }),
    ("posts that are loaded", |part| {
        let posts = each(20_000 / part, |n| format!("{{\\\"cooked\\\":\\\"<p>{n} one</p>\\\"}},"));
        let topic =
            format!("{{\"topic_1\":\"{{\\\"post_stream\\\":{{\\\"posts\\\":[{posts}0]}}}}\"}}");
        format!("<div id=data-preloaded data-preloaded=\"{}\"></div>", topic.replace('"', "&quot;"))
    }),
    ("metadata", |part| {
        each(100_000 / part, |n| {
            format!("<meta property=og:title content=\"title {n}\"><link rel=x>")
        })
    }),
    ("dates", |part| {
        each(100_000 / part, |n| format!("<time>2011-05-{:02}</time> 3 May 2011 ", n % 30))
    }),
    ("headings", |part| each(100_000 / part, |n| format!("<h1>Heading {n}</h1><h2>x</h2>"))),
    ("breaks", |part| "<br>".repeat(1_000_000 / part)),
    ("options of a select", |part| {
        format!("<select>{}</select>", "<option>one of many".repeat(200_000 / part))
    }),
    ("one long word", |part| format!("<p>{}", "word".repeat(5_000_000 / part))),
    ("lines of code", |part| {
        format!("<pre><code>{}</code></pre>", "let x = {\n    y;\n}\n".repeat(500_000 / part))
    }),
];

/// Highest and present resident memory of this process, in bytes.
fn memory() -> (usize, usize) {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let of = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        1024 * kilobytes.unwrap_or(0usize)
    };
    (of("VmHWM:"), of("VmRSS:"))
}

/// CPU seconds of all threads of this process that are over or run.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let behind_name = stat.rsplit(')').next().expect("a name");
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}

/// The child's work; does nothing in an ordinary run.
#[test]
fn hostile_child() {
    let Ok(name) = std::env::var(CHILD) else { return };
    let (_, make) = PAGES.iter().find(|(kind, _)| *kind == name).expect("a kind of page");
    let page = make(SMALLER).into_bytes();
    let (before, present) = memory();
    // Memory that making the page needed hides as much of what follows: use it up first.
    let filling = vec![1u8; before.saturating_sub(present)];
    let started = cpu_seconds();
    let offsets = [0, page.len() as i64];
    let types = Source::Response { offsets: &[0, 0], data: &[] };
    // The model looks at the page after all that the rules do.
    let options = Options { model: true, ..Options::default() };
    let found = extract_rows(&offsets, &page, types, &options).expect("a thread");
    let seconds = cpu_seconds() - started;
    let rise = memory().0.saturating_sub(before);
    drop(filling);
    println!("RESULT {} {} {seconds} {rise}", found.outcomes[0], page.len());
}

#[test]
fn hostile_pages_cost_no_more_than_allowed() {
    if !cfg!(target_os = "linux") {
        return; // CPU time and memory are read from /proc
    }
    let me = std::env::current_exe().expect("this program");
    let mut wrong = Vec::new();
    for (name, _) in PAGES {
        let child = Command::new(&me)
            .args(["hostile::hostile_child", "--exact", "--nocapture"])
            .env(CHILD, name)
            .output()
            .expect("a child");
        let said = String::from_utf8_lossy(&child.stdout);
        let result = said.lines().find_map(|line| line.split_once("RESULT ")).map(|(_, rest)| rest);
        let Some(result) = result.filter(|_| child.status.success()) else {
            wrong.push(format!("{name}: ended with {}", child.status));
            continue;
        };
        let figures: Vec<f64> =
            result.split(' ').map(|figure| figure.parse().expect("a figure")).collect();
        let [outcome, bytes, seconds, rise] = figures[..] else { panic!("{result}") };
        println!(
            "{name}: outcome {outcome}, {:.1} MB, {seconds:.2} s, {:.0} MB more",
            bytes / 1e6,
            rise / 1e6
        );
        if outcome == f64::from(Outcome::Crash as u8) {
            wrong.push(format!("{name}: a panic"));
        }
        if seconds > SECONDS {
            wrong.push(format!("{name}: {seconds:.2} s"));
        }
        if rise > 8.0 * bytes + 64e6 {
            wrong.push(format!("{name}: {rise} bytes of memory for {bytes}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
