//! Link density: parts of a frame that are mostly links are lists of other pages.

use crate::html::{Budget, Lengths, Name, Node, TooCostly, Tree, names};

/// Links in document order, with sums of what is asked about them.
struct Links {
    nodes: Vec<Node>,
    /// Sums before each link: characters, links with text, those shorter than ten.
    sums: Vec<[usize; 3]>,
}

impl Links {
    fn of(tree: &Tree<'_>, frame: Node, lengths: &Lengths) -> Self {
        let nodes: Vec<Node> =
            tree.nodes(frame).filter(|&node| tree.name(node) == names::REF).collect();
        let mut sum = [0; 3];
        let mut sums = vec![sum];
        for &node in &nodes {
            let length = lengths.trimmed(node, tree.end(node));
            sum[0] += length;
            sum[1] += usize::from(length > 0);
            sum[2] += usize::from(length > 0 && length < 10);
            sums.push(sum);
        }
        Links { nodes, sums }
    }

    /// Which links are inside the element.
    fn inside(&self, node: Node, end: Node) -> std::ops::Range<usize> {
        let at = |node| self.nodes.partition_point(|&link| link < node);
        at(node + 1)..at(end)
    }

    fn sum(&self, range: &std::ops::Range<usize>) -> [usize; 3] {
        let (before, upto) = (self.sums[range.start], self.sums[range.end]);
        [upto[0] - before[0], upto[1] - before[1], upto[2] - before[2]]
    }
}

/// What a test says of an element.
enum Verdict {
    Links,
    /// Short and with links, yet not mostly links.
    Short,
    Text,
}

/// Deletes what is mostly links inside `frame`; whether the frame itself is.
///
/// # Errors
/// [`TooCostly`] where `budget` does not last.
pub fn delete_lists(
    tree: &mut Tree<'_>,
    frame: Node,
    budget: &mut Budget,
) -> Result<bool, TooCostly> {
    let mut frame_too = false;
    for name in [names::DIV, names::LIST, names::P, names::DIV, names::LIST, names::P] {
        frame_too |= round(tree, frame, name, budget)?;
    }
    tables(tree, frame, budget)?;
    let inside: Vec<Node> = tree
        .nodes(frame)
        .filter(|&node| matches!(tree.name(node), names::SPAN | names::REF))
        .collect();
    inside.into_iter().for_each(|node| tree.unwrap(node));
    Ok(frame_too)
}

fn measured(
    tree: &Tree<'_>,
    frame: Node,
    budget: &mut Budget,
) -> Result<Option<(Lengths, Links)>, TooCostly> {
    let end = tree.end(frame);
    budget.spend(2 * (end - frame) as usize)?;
    if !tree.nodes(frame).any(|node| tree.name(node) == names::REF) {
        return Ok(None);
    }
    let lengths = Lengths::between(tree, frame, end);
    let links = Links::of(tree, frame, &lengths);
    Ok(Some((lengths, links)))
}

fn round(
    tree: &mut Tree<'_>,
    frame: Node,
    name: Name,
    budget: &mut Budget,
) -> Result<bool, TooCostly> {
    let Some((lengths, links)) = measured(tree, frame, budget)? else { return Ok(false) };
    let mut condemned = Vec::new();
    for node in tree.nodes_between(frame, tree.end(frame)) {
        if tree.name(node) != name {
            continue;
        }
        let goes = match verdict(tree, node, &lengths, &links, budget)? {
            Verdict::Links => true,
            Verdict::Short => {
                name == names::DIV
                    && lengths.trimmed(node, tree.end(node)) < 100
                    && tree.children(node).nth(2).is_some()
            }
            Verdict::Text => false,
        };
        if goes && !(name == names::P && fills_cell(tree, node)) {
            condemned.push(node);
        }
    }
    let mut frame_too = false;
    for node in condemned {
        if node == frame {
            frame_too = true;
        } else {
            tree.delete(node);
        }
    }
    Ok(frame_too)
}

/// A paragraph that is the content of an item or cell: that is judged as a whole.
fn fills_cell(tree: &Tree<'_>, node: Node) -> bool {
    tree.parent(node).is_some_and(|up| matches!(tree.name(up), names::ITEM | names::TD | names::TH))
}

fn verdict(
    tree: &Tree<'_>,
    node: Node,
    lengths: &Lengths,
    links: &Links,
    budget: &mut Budget,
) -> Result<Verdict, TooCostly> {
    let end = tree.end(node);
    let inside = links.inside(node, end);
    if inside.is_empty() {
        return Ok(Verdict::Text);
    }
    let length = lengths.trimmed(node, end);
    if inside.len() == 1 {
        let link = links.nodes[inside.start];
        let linked = lengths.trimmed(link, tree.end(link));
        if linked > 100 && 10 * linked > 9 * length {
            return Ok(Verdict::Links);
        }
    }
    let last = tree.next_sibling(node).is_none();
    let limit = match (tree.name(node) == names::P, last) {
        (true, false) => 30,
        (true, true) => 60,
        (false, false) => 100,
        (false, true) => 300,
    };
    let [linked, filled, short] = links.sum(&inside);
    if length < limit {
        let mostly = 10 * linked > 8 * length || (filled > 1 && 10 * short > 8 * filled);
        return Ok(if filled == 0 || mostly { Verdict::Links } else { Verdict::Short });
    }
    if inside.len() > 4 && 10 * linked > 9 * length && linked < 100 * filled {
        budget.spend(inside.len())?;
        let is_alone = |&link: &Node| {
            tree.parent(link).is_some_and(|up| {
                tree.name(up) == names::P && links.inside(up, tree.end(up)).len() == 1
            })
        };
        if !links.nodes[inside].iter().all(is_alone) {
            return Ok(Verdict::Links);
        }
    }
    Ok(Verdict::Text)
}

fn tables(tree: &mut Tree<'_>, frame: Node, budget: &mut Budget) -> Result<(), TooCostly> {
    let Some((lengths, links)) = measured(tree, frame, budget)? else { return Ok(()) };
    let mostly_links = |tree: &Tree<'_>, table: Node| {
        let end = tree.end(table);
        let inside = links.inside(table, end);
        let length = lengths.trimmed(table, end);
        let [linked, ..] = links.sum(&inside);
        let share = if length < 1000 { 8 } else { 5 };
        !inside.is_empty() && length >= 200 && 10 * linked > share * length
    };
    let found: Vec<Node> = tree
        .nodes(frame)
        .filter(|&node| tree.name(node) == names::TABLE && mostly_links(tree, node))
        .collect();
    found.into_iter().for_each(|node| tree.delete(node));
    Ok(())
}
