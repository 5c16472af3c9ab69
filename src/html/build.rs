//! Tokens to a tree, after libxml2 2.14: implied `html`, `head` and `body`, elements that close
//! others, end tags by priority. There is no foster parenting and no adoption agency.
//!
//! Each token costs a constant: what is open is linked by name and by priority, so that an end
//! tag that closes nothing never walks the elements that are open.

use std::sync::LazyLock;

use super::names::{self, *};
use super::tokenizer::{Content, Token, Tokenizer};
use super::tree::{Assembly, NONE, Node, RAW};
use super::{Limits, TooCostly};

/// For each element, those that close it when it is the innermost open one.
const CLOSED_BY: [(&[Name], &[Name]); 28] = [
    (&[A], &[A, FIELDSET, TABLE, TD, TH]),
    (&[ADDRESS], &[DD, DL, DT, FORM, LI, UL]),
    (&[B, I], &[CENTER, P, TD, TH]),
    (&[BIG, S, SMALL, STRIKE, TT], &[P]),
    (&[U], &[P, TD, TH]),
    (&[FONT], &[CENTER, TD, TH]),
    (&[SPAN], &[TD, TH]),
    (&[CAPTION], &[COL, COLGROUP, TBODY, TFOOT, THEAD, TR]),
    (&[COLGROUP], &[COLGROUP, TBODY, TFOOT, THEAD, TR]),
    (&[DD], &[DT]),
    (&[DT], &[DD, DL]),
    (&[DL], &[FORM, LI]),
    (&[DIR, MENU], &[DD, DL, DT, FORM, UL]),
    (&[FORM], &[FORM]),
    (&[H1, H2, H3, H4, H5, H6], &[FIELDSET, FORM, LI, P, TABLE]),
    (&[LEGEND], &[FIELDSET]),
    (&[LI], &[LI]),
    (&[OL], &[FORM]),
    (&[UL], &[ADDRESS, FORM, MENU, PRE]),
    (&[OPTION], &[OPTGROUP, OPTION]),
    (&[PRE, LISTING], &[DD, DL, DT, FIELDSET, FORM, LI, TABLE, UL]),
    (
        &[P],
        &[
            ADDRESS, BLOCKQUOTE, BODY, CAPTION, CENTER, COL, COLGROUP, DD, DIR, DIV, DL, DT,
            FIELDSET, FORM, H1, H2, H3, H4, H5, H6, HEAD, HR, LI, LISTING, MENU, OL, P, PRE, TABLE,
            TBODY, TD, TFOOT, TH, TITLE, TR, UL, XMP, FRAMESET,
        ],
    ),
    (&[TBODY], &[TBODY, TFOOT]),
    (&[THEAD], &[TBODY, TFOOT]),
    (&[TFOOT], &[TBODY]),
    (&[TD, TH], &[TBODY, TD, TFOOT, TH, TR]),
    (&[TR], &[TBODY, TFOOT, TR]),
    (
        &[HEAD],
        &[
            A, ABBR, ACRONYM, ADDRESS, B, BDO, BIG, BLOCKQUOTE, BODY, BR, CENTER, CITE, CODE, DD,
            DFN, DIR, DIV, DL, DT, EM, FIELDSET, FONT, FORM, FRAMESET, H1, H2, H3, H4, H5, H6, HR,
            I, IFRAME, IMG, KBD, LI, LISTING, MAP, MENU, OL, P, PRE, Q, S, SAMP, SMALL, SPAN,
            STRIKE, STRONG, SUB, SUP, TABLE, TT, U, UL, VAR, XMP,
        ],
    ),
];

const WORDS: usize = names::KNOWN.div_ceil(64);

/// Bit `new` of row `open`: whether a start tag `new` closes the innermost element `open`.
static CLOSES: LazyLock<Vec<[u64; WORDS]>> = LazyLock::new(|| {
    let mut rows = vec![[0; WORDS]; names::KNOWN];
    for (open, new) in CLOSED_BY {
        for open in open {
            for new in new {
                rows[usize::from(open.0)][usize::from(new.0) / 64] |= 1 << (new.0 % 64);
            }
        }
    }
    rows
});

fn closes(open: Name, new: Name) -> bool {
    let (open, new) = (usize::from(open.0), usize::from(new.0));
    open < names::KNOWN && new < names::KNOWN && CLOSES[open][new / 64] >> (new % 64) & 1 == 1
}

/// Level of an element: an end tag closes nothing of a higher level than its own.
fn level(name: Name) -> usize {
    match name {
        DIV => 1,
        TD | TH => 2,
        TR => 3,
        THEAD | TBODY | TFOOT => 4,
        TABLE => 5,
        HEAD | BODY => 6,
        HTML => 7,
        _ => 0,
    }
}

fn content_of(name: Name) -> Option<Content> {
    match name {
        SCRIPT => Some(Content::Script),
        PLAINTEXT => Some(Content::Rest),
        STYLE | IFRAME | NOEMBED | NOFRAMES | XMP | TEXTAREA | TITLE => Some(Content::Raw),
        _ => None,
    }
}

/// One open element; positions are of the stack, `NONE` for none.
struct Open {
    name: Name,
    node: Node,
    same_name: u32,
    same_level: u32,
}

struct Builder {
    assembly: Assembly,
    open: Vec<Open>,
    /// Elements open within the depth limit; those above it are leaves of the last of these.
    depth: usize,
    last_by_name: Vec<u32>,
    last_by_level: [u32; 8],
    /// Start tags html, head and body that were dropped: as many of their end tags are.
    dropped: usize,
    seen_head: bool,
    seen_body: bool,
    lower: Vec<u8>,
}

/// The nodes of `source`.
pub(super) fn build(source: &str, limits: &Limits) -> Result<Assembly, TooCostly> {
    let mut tokens = Tokenizer::new(source, limits.attributes);
    let mut builder = Builder {
        assembly: Assembly::default(),
        open: Vec::new(),
        depth: limits.depth,
        last_by_name: vec![NONE; names::KNOWN],
        last_by_level: [NONE; 8],
        dropped: 0,
        seen_head: false,
        seen_body: false,
        lower: Vec::new(),
    };
    while let Some(token) = tokens.next() {
        match token {
            Token::Text { start, end } => builder.text(source.as_bytes(), start, end),
            Token::Start { name, closed } => {
                let name = builder.intern(&source.as_bytes()[name.0..name.1]);
                if builder.start(name, &tokens, closed)
                    && let Some(content) = content_of(name)
                {
                    builder.raw(name, content, &mut tokens);
                }
            }
            Token::End { name } => {
                let name = builder.intern(&source.as_bytes()[name.0..name.1]);
                if builder.end(name) {
                    break;
                }
            }
        }
        if builder.assembly.len() > limits.nodes {
            return Err(TooCostly);
        }
    }
    while !builder.open.is_empty() {
        builder.pop();
    }
    Ok(builder.assembly)
}

impl Builder {
    fn intern(&mut self, name: &[u8]) -> Name {
        self.lower.clear();
        self.lower.extend(name.iter().map(u8::to_ascii_lowercase));
        names::lookup(&self.lower).unwrap_or_else(|| self.assembly.intern(&self.lower))
    }

    fn current(&self) -> Option<Name> {
        self.open.last().map(|open| open.name)
    }

    fn is_open(&self, name: Name) -> bool {
        self.position(name) != NONE
    }

    /// Where the innermost open `name` stands on the stack.
    fn position(&self, name: Name) -> u32 {
        self.last_by_name.get(usize::from(name.0)).copied().unwrap_or(NONE)
    }

    fn parent(&self) -> Node {
        let at = self.open.len().min(self.depth);
        at.checked_sub(1).map_or(NONE, |at| self.open[at].node)
    }

    fn push(&mut self, name: Name) -> Node {
        let node = self.assembly.element(name, self.parent());
        let at = self.open.len() as u32;
        let number = usize::from(name.0);
        if number >= self.last_by_name.len() {
            self.last_by_name.resize(number + 1, NONE);
        }
        let same_name = std::mem::replace(&mut self.last_by_name[number], at);
        let same_level = std::mem::replace(&mut self.last_by_level[level(name)], at);
        self.open.push(Open { name, node, same_name, same_level });
        node
    }

    fn pop(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.last_by_name[usize::from(open.name.0)] = open.same_name;
        self.last_by_level[level(open.name)] = open.same_level;
        if self.open.len() < self.depth {
            self.assembly.close(open.node);
        }
    }

    fn close_for(&mut self, new: Name) {
        while self.current().is_some_and(|open| closes(open, new)) {
            self.pop();
        }
    }

    /// Opens what `new` implies.
    fn imply(&mut self, new: Name) {
        if new == HTML {
            return;
        }
        if self.open.is_empty() {
            self.push(HTML);
        }
        if new == HEAD || new == BODY {
            return;
        }
        if self.open.len() == 1 && matches!(new, SCRIPT | STYLE | META | LINK | TITLE | BASE) {
            if !self.seen_head && !self.seen_body {
                self.seen_head = true;
                self.push(HEAD);
            }
        } else if !matches!(new, NOFRAMES | FRAME | FRAMESET)
            && !self.seen_body
            && !self.is_open(HEAD)
            && !self.is_open(BODY)
        {
            self.seen_body = true;
            self.push(BODY);
        }
    }

    /// Whether the element is open now.
    fn start(&mut self, name: Name, tokens: &Tokenizer<'_>, closed: bool) -> bool {
        self.close_for(name);
        self.imply(name);
        let drop = match name {
            HTML => !self.open.is_empty(),
            HEAD => self.open.len() != 1,
            BODY => self.is_open(BODY),
            _ => false,
        };
        if drop {
            self.dropped += 1;
            return false;
        }
        match name {
            HEAD => self.seen_head = true,
            BODY => self.seen_body = true,
            _ => {}
        }
        self.push(name);
        self.assembly.attributes(&tokens.attributes);
        // libxml2 lets `embed` swallow what follows; cleaning would then delete that with it.
        if closed || name.is_void() || name == EMBED {
            self.pop();
            return false;
        }
        true
    }

    fn raw(&mut self, name: Name, content: Content, tokens: &mut Tokenizer<'_>) {
        let (start, end) = tokens.raw_text(name.known().unwrap_or("").as_bytes(), content);
        if end > start {
            let flags = if matches!(name, TITLE | TEXTAREA) { 0 } else { RAW };
            self.assembly.text(start, end, self.parent(), flags);
        }
    }

    fn text(&mut self, source: &[u8], start: usize, end: usize) {
        let mut start = start;
        if matches!(self.current(), None | Some(HTML | HEAD)) {
            let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            let blanks = source[start..end].iter().take_while(blank).count();
            if blanks > 0 && !self.open.is_empty() {
                self.assembly.text(start, start + blanks, self.parent(), 0);
            }
            start += blanks;
            if start == end {
                return;
            }
            self.close_for(P);
            self.imply(P);
        }
        self.assembly.text(start, end, self.parent(), 0);
    }

    /// Whether the document ends here.
    fn end(&mut self, name: Name) -> bool {
        if self.dropped > 0 && matches!(name, HTML | HEAD | BODY) {
            self.dropped -= 1;
            return false;
        }
        let found = self.position(name);
        if found == NONE {
            return false;
        }
        let shield =
            self.last_by_level[level(name) + 1..].iter().filter(|&&at| at != NONE).max().copied();
        if shield.is_some_and(|at| at > found) {
            return false;
        }
        while self.open.len() > found as usize {
            self.pop();
        }
        self.open.is_empty()
    }
}
