//! The choice of a frame.

use super::{converted, families_of};
use webtext::extract::frames::find;

/// Text of what each expression finds.
fn found(html: &str) -> Vec<String> {
    let tree = converted(html);
    let families = families_of(&tree);
    let text = |number| find(&tree, &families, number).map(|node| tree.text_content(node));
    (0..5).map(|number| text(number).unwrap_or_default()).collect()
}

#[test]
fn each_expression_takes_the_first_element_that_it_names() {
    let page = "<section id=main>a<div class=post-body>b</div></section><article>c</article>\
                <article>d</article><div id=story>e</div><div class=content>f</div><main>g</main>";
    assert_eq!(found(page), ["b", "c", "e", "f", "ab"]);
    assert_eq!(found("<p class=post>a</p>"), ["", "", "", "", ""]);
    assert_eq!(found("<p id=main>a</p><main>b</main>"), ["", "", "", "", "b"]);
}
