//! The block model: blocks, alignment, numbers, trees, and what they decide together.

use webtext::extract::blocks::{Blocks, blocks};
use webtext::extract::features::{Page, shares};
use webtext::extract::forest::{Forest, Malformed};
use webtext::extract::model::{Model, decide, model, scores};
use webtext::extract::tokens::{is_stopword, tokens};
use webtext::extract::{Options, align, extract, families, naming};
use webtext::html::{Budget, Limits, Tree};

fn budget() -> Budget {
    Budget::new(u64::MAX)
}

fn parsed(html: &str) -> Tree<'_> {
    Tree::parse(html, &Limits::default()).expect("within the limits")
}

fn blocks_of(tree: &Tree<'_>) -> Blocks {
    blocks(tree, &mut budget()).expect("cheap")
}

/// Texts of the blocks of a page, white space collapsed.
fn texts(html: &str) -> Vec<String> {
    let tree = parsed(html);
    let found = blocks_of(&tree);
    let text = |runs: (u32, u32)| {
        let mut text = String::new();
        for &run in &found.runs[runs.0 as usize..runs.1 as usize] {
            tree.run_into(run, &mut text);
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    found.spans.iter().map(|span| text(span.runs)).collect()
}

#[test]
fn blocks_are_runs_of_inline_content() {
    let html = "<div>a <b>b</b>c<p>d</p>e <i>f</i></div><ul><li>g<li><a>h</a> i</ul>";
    assert_eq!(texts(html), ["a bc", "d", "e f", "g", "h i"]);
    assert_eq!(texts("<p>a<br>b<br> <br>c</p><td>d</td>e<hr>f"), ["ab", "c", "d", "e", "f"]);
    let hidden = "<title>x</title><p> </p><script>x</script><noscript>x</noscript><style>x</style>";
    assert_eq!(texts(&format!("{hidden}<p>a<textarea>x</textarea>b</p>")), ["ab"]);
}

#[test]
fn a_page_of_too_many_blocks_has_the_rules_text() {
    let html = format!("<article><p>{}</p></article>", "<p>a sentence of words".repeat(20_001));
    let tree = parsed(&html);
    assert!(blocks_of(&tree).are_too_many());
    assert!(blocks_of(&parsed(&format!("<p>{}", "word ".repeat(300_001)))).are_too_many());
    let text =
        |model| extract(&html, &Options { model, ..Options::default() }).expect("cheap").text;
    assert_eq!(text(true), text(false));
}

#[test]
fn a_block_is_counted() {
    let html =
        "<p>The  <b>bold</b> Word, <a href=x>12 links</a> | end.<br>\u{4e2d}\u{6587}\u{3002}";
    let tree = parsed(html);
    let found = blocks_of(&tree);
    let counts = found.spans[0].counts;
    assert_eq!((counts.chars, counts.words, counts.linked), (34, 8, 7), "{counts:?}");
    assert_eq!((counts.bold, counts.capitals, counts.digits), (4, 2, 2), "{counts:?}");
    assert_eq!((counts.commas, counts.stops, counts.marks), (1, 2, 1), "{counts:?}");
    assert_eq!((counts.links, counts.breaks, counts.inline), (1, 1, 2), "{counts:?}");
    assert_eq!((counts.unspaced, counts.longest), (2, 5), "{counts:?}");
    assert_eq!(found.spans[0].ends, ('T', '\u{3002}'));
    // A word that tags part is one; characters of scripts without blanks are one each.
    assert_eq!(found.words, tokens("the bold word 12 links end \u{4e2d} \u{6587}"));
    assert_eq!(blocks_of(&parsed("<p>w<i>or</i>d</p>")).words, tokens("word"));
    assert!(tokens("the and of und").iter().all(|&word| is_stopword(word)));
    assert!(!is_stopword(tokens("extraction")[0]));
}

/// Length of the longest common subsequence, from the definition.
fn common_slowly(one: &[u32], other: &[u32]) -> usize {
    let mut best = vec![vec![0; other.len() + 1]; one.len() + 1];
    for (i, a) in one.iter().enumerate() {
        for (j, b) in other.iter().enumerate() {
            best[i + 1][j + 1] =
                if a == b { best[i][j] + 1 } else { best[i][j + 1].max(best[i + 1][j]) };
        }
    }
    best[one.len()][other.len()]
}

fn matched(page: &[u32], text: &[u32]) -> Vec<bool> {
    align::matched(page, text, &mut budget()).expect("cheap")
}

#[test]
fn small_alignments_are_longest_common_subsequences() {
    let mut state = 7u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..500 {
        let words = 2 + random(6);
        let page: Vec<u32> = (0..random(40)).map(|_| random(words) as u32).collect();
        let text: Vec<u32> = (0..random(40)).map(|_| random(words) as u32).collect();
        let found = matched(&page, &text);
        let kept: Vec<u32> =
            page.iter().zip(&found).filter(|(_, found)| **found).map(|(word, _)| *word).collect();
        assert_eq!(kept.len(), common_slowly(&page, &text), "{page:?} {text:?}");
        // What is matched stands in the text in that order.
        assert_eq!(common_slowly(&kept, &text), kept.len());
    }
}

#[test]
fn long_alignments_find_what_was_left_out_and_where_repeats_belong() {
    let page: Vec<u32> = (0..4000).map(|at| if at % 40 < 3 { at % 40 } else { at }).collect();
    // The text is the second half of each hundred words; the three repeated words are everywhere.
    let text: Vec<u32> = page.chunks(100).flat_map(|part| part[50..].to_vec()).collect();
    let found = matched(&page, &text);
    assert_eq!(found.iter().filter(|found| **found).count(), text.len());
    let right = found.iter().enumerate().filter(|(at, found)| **found == (at % 100 >= 50)).count();
    assert!(right > 3900, "{right}");
}

#[test]
fn names_are_cut_into_words() {
    let notions = |name: &str| naming::notions(name).count_ones();
    assert_eq!(notions("x1"), 0);
    assert_eq!(naming::notions("siteNav"), naming::notions("nav"));
    assert_eq!(naming::notions("ad-slot"), naming::notions("ad"));
    assert_eq!(notions("load"), 0); // no advertisement
    assert_ne!(naming::notions("comment-list"), naming::notions("comment"));
}

const PAGE: &str = "<title>The title</title><body class=home><div id=nav><a href=1>One</a> | \
    <a href=2>Two</a></div><div class=main><h1>The title</h1><div class=post-1><p>A first post, \
    long enough to be text.</p></div><div class=post-2><p>The second post, also long enough to be \
    text.</p></div></div><div class=foot>Imprint</div>";

fn with_page<T>(html: &str, text: &str, work: impl FnOnce(&Page<'_>) -> T) -> T {
    let tree = parsed(html);
    let found = blocks_of(&tree);
    let families = families::of_all(&tree, &mut budget()).expect("cheap");
    work(&Page::new(&tree, &families, &found, text, &mut budget()).expect("cheap"))
}

#[test]
fn numbers_say_what_stands_around_a_block() {
    with_page(PAGE, "A first post, long enough to be text.", |page| {
        assert_eq!(page.len(), 5);
        assert_eq!(page.kept(), [0.0, 0.0, 1.0, 0.0, 0.0]);
        let depth = |at: usize| page.outline().around(at).count();
        assert_eq!((0..5).map(depth).collect::<Vec<_>>(), [4, 4, 5, 5, 3]);
        // The posts are siblings of one kind, digits in classes aside; of the two the first is 0.
        let post = |at: usize| *page.outline().around(at).nth(1).expect("a post");
        assert_eq!((post(2).siblings, post(2).place, post(3).place), (2, 0, 1));
        assert_eq!((page.group(2), page.group(3), page.group(4)), (2, 2, 4));
        // The element around both and the heading has three blocks.
        let main = page.outline().around(3).nth(2).expect("main");
        assert_eq!(main.blocks, (1, 4));
        let sums = page.outline().sum(1, 4);
        assert_eq!((sums.chars, sums.linked, sums.kept), (9 + 37 + 45, 0, 37));
        let mut rows = [Vec::new(), Vec::new()];
        page.row(2, &mut rows[0]);
        page.row(2, &mut rows[1]);
        assert_eq!(rows[0], rows[1]);
        assert_eq!(rows[0].len(), model().first.features());
        assert!(rows[0].iter().all(|number| number.is_finite()));
    });
}

#[test]
fn shares_are_of_words_in_order() {
    let tree = parsed("<p>teaser of it</p><p>one two three four</p><p>teaser of it</p><p>|</p>");
    let found = blocks_of(&tree);
    let text = tokens("one two four teaser of it");
    assert_eq!(shares(&found, &text, &mut budget()), Ok(vec![0.0, 0.75, 1.0, 0.0]));
}

/// Feature, threshold, left, right.
type Split = (u16, f32, i8, i8);
/// Splits and leaves.
type Trunk<'a> = (&'a [Split], &'a [f32]);

/// The table of some trees.
fn table(features: u16, trees: &[Trunk<'_>]) -> Vec<u8> {
    let mut out = b"WTBF".to_vec();
    out.extend(features.to_le_bytes());
    out.extend((trees.len() as u16).to_le_bytes());
    for (splits, leaves) in trees {
        out.push(splits.len() as u8);
        for (feature, threshold, left, right) in *splits {
            out.extend(feature.to_le_bytes());
            out.extend(threshold.to_le_bytes());
            out.extend([*left as u8, *right as u8]);
        }
        leaves.iter().for_each(|leaf| out.extend(leaf.to_le_bytes()));
    }
    out
}

#[test]
fn trees_answer_as_they_are_written() {
    let one: Trunk<'_> = (&[(0, 1.5, 1, -3), (1, -1.0, -1, -2)], &[1.0, 2.0, 4.0]);
    let leaf: Trunk<'_> = (&[], &[0.25]);
    let table = table(2, &[one, leaf, one]);
    let (forest, rest) = Forest::read(&table).expect("a forest");
    assert!(rest.is_empty());
    // At the threshold is left.
    let rows = [[1.5, -1.0], [1.5, -0.9], [1.6, -1.0]];
    let slowly = |row: &[f32; 2]| {
        let one = if row[0] > 1.5 {
            4.0
        } else if row[1] > -1.0 {
            2.0
        } else {
            1.0
        };
        one + 0.25 + one
    };
    for row in rows {
        assert_eq!(forest.score(&row), slowly(&row));
    }
    for cut in 0..table.len() {
        assert_eq!(Forest::read(&table[..cut]).map(|_| ()), Err(Malformed), "{cut}");
    }
}

#[test]
fn no_table_leads_anywhere_but_down() {
    let read =
        |splits: &[Split], leaves: &[f32]| Forest::read(&table(1, &[(splits, leaves)])).map(|_| ());
    assert_eq!(read(&[(0, 0.0, -1, -2)], &[0.0, 0.0]), Ok(()));
    assert_eq!(read(&[(1, 0.0, -1, -2)], &[0.0, 0.0]), Err(Malformed)); // no such feature
    assert_eq!(read(&[(0, 0.0, 0, -2)], &[0.0, 0.0]), Err(Malformed)); // itself
    assert_eq!(read(&[(0, 0.0, 1, -2)], &[0.0, 0.0]), Err(Malformed)); // no such split
    assert_eq!(read(&[(0, 0.0, -3, -2)], &[0.0, 0.0]), Err(Malformed)); // no such leaf
    assert_eq!(read(&[(0, f32::NAN, -1, -2)], &[0.0, 0.0]), Err(Malformed));
    assert!(Model::read(&table(1, &[])).is_err()); // the second forest is missing
}

/// Splits and leaves as the bytes say, walked one after another.
#[test]
fn the_package_s_trees_agree_with_a_slow_twin() {
    let bytes: &[u8] = include_bytes!("../../src/extract/model.bin");
    let trees = usize::from(u16::from_le_bytes([bytes[6], bytes[7]]));
    let forest = &model().first;
    let mut state = 3u64;
    for _ in 0..50 {
        let row: Vec<f32> = (0..forest.features())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((state >> 40) as f32 / 65536.0).powi(3) - 1.0
            })
            .collect();
        let (mut at, mut sum) = (8, 0.0);
        for _ in 0..trees {
            let count = usize::from(bytes[at]);
            let splits = &bytes[at + 1..];
            let leaves = &splits[8 * count..];
            let mut node = if count == 0 { -1 } else { 0 };
            while node >= 0 {
                let split = &splits[8 * node as usize..];
                let feature = u16::from_le_bytes([split[0], split[1]]);
                let threshold = f32::from_le_bytes([split[2], split[3], split[4], split[5]]);
                let right = row[usize::from(feature)] > threshold;
                node = split[if right { 7 } else { 6 }] as i8;
            }
            let leaf = &leaves[4 * (-1 - node) as usize..];
            sum += f64::from(f32::from_le_bytes([leaf[0], leaf[1], leaf[2], leaf[3]]));
            at += 1 + 8 * count + 4 * (count + 1);
        }
        assert_eq!(forest.score(&row).to_bits(), f64::to_bits(sum));
    }
}

fn decided(html: &str, scores: &[f32]) -> String {
    let tree = parsed(html);
    let found = blocks_of(&tree);
    let (families, scores) = (vec![0; tree.len()], scores.to_vec());
    let rules = "by the rules".to_owned();
    decide(&tree, &families, &found, scores, rules, &mut budget()).expect("cheap")
}

#[test]
fn where_little_is_kept_the_less_likely_is_and_then_the_rules_text() {
    let long = "long ".repeat(30);
    let html = format!("<p>{long}a</p><p>{long}b</p><p>short but clear</p>");
    let (a, b) = (format!("{long}a"), format!("{long}b"));
    assert_eq!(decided(&html, &[1.0, -1.0, 1.0]), format!("{a}\n\nshort but clear"));
    assert_eq!(decided(&html, &[-2.0, -1.0, 1.0]), format!("{b}\n\nshort but clear"));
    assert_eq!(decided(&html, &[-2.0, -1.2, 1.0]), "by the rules");
}

#[test]
fn lists_tables_and_code_are_written_as_the_rules_write_them() {
    let word = "word ".repeat(30);
    let word = word.trim();
    let html = format!(
        "<ul><li>{word}<li>left out<li>two</ul><table><tr><td>1<td>2<tr><td>3<td>4</table>\
         <pre>x = 1\n  y</pre><p>left out</p>"
    );
    let scores = [1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0];
    assert_eq!(decided(&html, &scores), format!("{word}\ntwo\n\n1\t2\n3\t4\n\nx = 1\n  y"));
}

/// A shop's page, whose sales text stands in what its builder calls widgets: to the rules, things
/// beside the text.
fn shop() -> String {
    let card = |title: &str, text: &str| {
        format!("<div class=elementor-widget-wrap><h3>{title}</h3><p>{text}</p></div>")
    };
    let cards = [
        card(
            "Fast setup",
            "We install the system in your office within two days, and we train your staff.",
        ),
        card(
            "Fair prices",
            "You pay for what you use, every month, and you can leave whenever you like.",
        ),
        card(
            "Real people",
            "Our team answers the phone from eight to six, and in the evening by mail.",
        ),
    ];
    format!(
        "<title>Phones for offices</title><body><nav><ul><li><a href=/>Home</a><li><a href=/a>About\
         </a></ul></nav><main><section class=hero><h1>Phones for offices</h1><p>We bring phones to \
         small offices, and we take care of them for as long as you want us to, wherever you are in \
         the country.</p></section><section class=features>{}</section></main><footer><p>\u{a9} 2024 \
         Phones Ltd. All rights reserved.</p></footer>",
        cards.concat()
    )
}

#[test]
fn the_model_keeps_what_the_rules_do_not() {
    let html = shop();
    let rules = extract(&html, &Options::default()).expect("cheap").text;
    let options = Options { model: true, ..Options::default() };
    let text = extract(&html, &options).expect("cheap").text;
    assert_ne!(text, rules);
    assert!(text.contains("You pay for what you use"), "{text}");
    assert!(!text.contains("Home") && !text.contains("All rights reserved"), "{text}");
    assert_eq!(text, extract(&html, &options).expect("cheap").text);
}

#[test]
fn scores_are_the_same_bits_every_time_and_cost_what_they_take() {
    let score = |units| {
        with_page(PAGE, "A first post", |page| scores(page, model(), &mut Budget::new(units)))
    };
    let bits = |scores: Vec<f32>| scores.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(score(u64::MAX).map(bits), score(u64::MAX).map(bits));
    assert!(score(1000).is_err());
}
