//! Speed of the line scan alone, one thread, on each set of instructions; their rows must agree.
//!
//! Usage: cargo bench --bench dump_scan -- FILE.ndjson (the start of one made by `dump_maker.py`)

use std::time::Instant;
use webtext::dump::{Level, scan_text};

/// Text that is scanned: more than the caches hold, less than a batch may.
const TEXT_BYTES: usize = 64 << 20;

fn main() {
    let Some(path) = std::env::args_os().skip(1).find(|argument| argument != "--bench") else {
        println!("no file given: nothing to measure");
        return;
    };
    let mut text = std::fs::read(path).expect("a readable file");
    text.truncate(TEXT_BYTES);
    let wanted = scan_text(&text, Level::Portable, 1 << 20);
    for level in [Level::Avx512, Level::Avx2, Level::Portable] {
        if !level.available() {
            continue;
        }
        assert_eq!(scan_text(&text, level, 1 << 20), wanted, "{level:?} disagrees");
        let mut seconds: Vec<f64> = (0..9)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(scan_text(&text, level, 1 << 20));
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let rate = |amount: usize| amount as f64 / 1e6 / seconds[seconds.len() / 2];
        println!(
            "{level:?}: {:.0} MB/s, {:.2} M lines/s (median of {}, {:.0} to {:.0} MB/s)",
            rate(text.len()),
            rate(wanted.rows()),
            seconds.len(),
            text.len() as f64 / 1e6 / seconds[seconds.len() - 1],
            text.len() as f64 / 1e6 / seconds[0],
        );
    }
}
