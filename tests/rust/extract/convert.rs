//! Conversion.

use super::{converted, shown};

#[track_caller]
fn case(html: &str, expected: &str) {
    assert_eq!(shown(&converted(html)), expected, "{html}");
}

#[test]
fn links_count_in_blocks_only() {
    case("<p>a <a href=x>b</a></p><section><a>c</a></section>", "p(aref(b))section(c)");
    case("<table><tr><td><a>b</a></table>", "table(tr(td(ref(b))))");
    case("<ul><li><a>b</a></ul>", "list(item(ref(b)))");
}

#[test]
fn lists_items_and_headings() {
    case(
        "<ol><li>a<ul><li>b</ul></ol><dl><dt>c<dd>d</dl>",
        "list(item(alist(item(b))))list(item(c)item(d))",
    );
    case("<li>a</li>", "li(a)");
    case("<h1>a</h1><h6>b</h6>", "#heading(a)#heading(b)");
    case("<p><strong class=schema-faq-question>a</strong>b</p>", "p(#heading(a)b)");
    case("<details><summary>a</summary>b</details>", "div(#heading(a)b)");
}

#[test]
fn emphasis_vanishes_and_breaks_stay() {
    case("<p>a<em>b<i>c</i></em><strong>d</strong><br>e<hr>f</p>", "p(abcdlb()e)lb()f");
    case("<p>a<s>b</s><strike>c</strike></p>", "p(adel(b)del(c))");
}

#[test]
fn quotations_and_code() {
    case("<blockquote>a</blockquote><q>b</q><code>c</code>", "quote(a)quote(b)code(c)");
    case("<pre>a poem</pre>", "pre(a poem)");
    for code in ["a {", "f(\"", "f('", "a\n    b"] {
        case(&format!("<pre>{code}</pre>"), &format!("code({code})"));
    }
    case("<pre><span>a</span></pre>", "code(span(a))");
    case("<pre>a<span class=hljs-x>b</span><b>c</b></pre>", "code(aspan(b)c)");
    case("<pre>a<span>b</span><span>c</span></pre>", "pre(aspan(b)span(c))");
}
