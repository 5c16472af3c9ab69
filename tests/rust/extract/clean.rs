//! Cleaning.

use super::{budget, cleaned, parsed, shown};
use webtext::extract::clean::clean;

#[track_caller]
fn case(html: &str, expected: &str) {
    assert_eq!(shown(&cleaned(html)), expected, "{html}");
}

#[test]
fn elements_go_or_lose_their_tags_and_tails_stay() {
    case("<p>a<small>b<cite>c</cite></small>d</p>", "p(abcd)");
    case("<p>a<button>b</button>c</p><aside><p>d</p></aside>e", "p(ac)e");
    case("<p>a</p><nav>b</nav>c<script>d</script><noscript>e</noscript>f", "p(a)cf");
    case("<table><tbody><tr><td>a", "table(tr(td(a)))");
    case("<p>a<img src=x>b<wbr>c</p>", "p(abc)");
}

#[test]
fn figures_with_tables_and_layout_tables_are_divisions() {
    case("<figure><table><tr><td>a</table></figure><figure>b</figure>c", "div(table(tr(td(a))))c");
    case("<table role=presentation><tr><td>a</table>", "div(tr(td(a)))");
    case("<table role=grid><tr><td>a</table>", "table(tr(td(a)))");
}

#[test]
fn of_formulas_the_source_stays() {
    let tex = "<math><semantics><mi>x</mi><annotation encoding=application/x-tex>x^2</annotation>";
    case(&format!("<p>a {tex}</semantics></math> b</p>"), "p(ax^2b)");
    case("<p>a<math><mi>x</mi></math>b</p>", "p(ab)");
}

#[test]
fn a_form_around_the_page_is_its_frame_and_others_go() {
    case("<form><p>the text of the page</p></form><p>x</p>", "div(p(the text of the page))p(x)");
    case("<p>the text of the page</p><form>search</form>b", "p(the text of the page)b");
}

#[test]
fn an_aside_with_nearly_all_text_is_the_frame_and_others_go() {
    case("<aside><p>the text of the page</p></aside><p>x</p>", "div(p(the text of the page))p(x)");
    case(
        "<aside><p>the text of the page</p></aside><p>one in two or three</p>",
        "p(one in two or three)",
    );
}

#[test]
fn what_is_empty_goes_in_one_pass() {
    case("<div><b></b></div><p></p><p> </p>a<td></td>", "div()p()atd()");
}

#[test]
fn recall_keeps_everything_where_no_paragraph_would_stay() {
    let recalled = |html: &str| {
        let mut tree = parsed(html);
        clean(&mut tree, true, &mut budget()).expect("cheap");
        shown(&tree)
    };
    assert_eq!(recalled("<div><nav><p>a</p></nav></div>"), "div(nav(p(a)))");
    assert_eq!(recalled("<p>b</p><nav><p>a</p></nav>"), "p(b)");
}
