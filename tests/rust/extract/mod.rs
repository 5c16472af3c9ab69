//! The rules on small pages, a file a step; `tests/python/text` scores them on labelled pages.

mod batch;
mod clean;
mod collect;
mod convert;
mod discard;
mod families;
mod frames;
mod hostile;
mod links;
mod raw;
mod whole;
mod wild;

use webtext::extract as steps;
use webtext::html::{Budget, Limits, Name, Node, Tree};

fn budget() -> Budget {
    Budget::new(u64::MAX)
}

fn parsed(html: &str) -> Tree<'_> {
    Tree::parse(html, &Limits::default()).expect("within the limits")
}

fn cleaned(html: &str) -> Tree<'_> {
    let mut tree = parsed(html);
    steps::clean::clean(&mut tree, false, &mut budget()).expect("cheap");
    tree
}

fn converted(html: &str) -> Tree<'_> {
    let mut tree = cleaned(html);
    steps::convert::convert(&mut tree, &mut budget()).expect("cheap");
    tree
}

fn families_of(tree: &Tree<'_>) -> Vec<u32> {
    steps::families::of_all(tree, &mut budget()).expect("cheap")
}

/// The first live element of that name.
#[track_caller]
fn first(tree: &Tree<'_>, name: Name) -> Node {
    tree.descendants(0).find(|&node| tree.name(node) == name).expect("an element of that name")
}

/// What is live inside the body: `name(text child ...)`, blanks at the ends of texts cut.
fn shown(tree: &Tree<'_>) -> String {
    let mut out = String::new();
    let mut open: Vec<Node> = Vec::new();
    for node in tree.nodes_between(0, tree.len() as Node) {
        while open.pop_if(|end| *end <= node).is_some() {
            out.push(')');
        }
        if tree.is_text(node) {
            out.push_str(tree.run(node).trim());
        } else {
            out.push_str(tree.name_of(tree.name(node)));
            out.push('(');
            open.push(tree.end(node));
        }
    }
    out.extend(open.iter().map(|_| ')'));
    let body = out.find("body(").map_or("", |at| &out[at + 5..]);
    body.strip_suffix("))").unwrap_or(body).to_owned()
}
