//! What surrounds a page's text. Comparisons with other implementations on real pages are in
//! `tests/python/page`.

mod charset;
mod date;
mod language;
mod plain;
mod title;
