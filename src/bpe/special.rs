//! Special tokens in text.

/// Position and length of the first occurrence of any of `specials` in `text`, the longest where
/// several start at the same place.
pub(crate) fn find(text: &[u8], specials: &[Vec<u8>]) -> Option<(usize, usize)> {
    let mut starts: Vec<u8> = specials.iter().filter_map(|s| s.first().copied()).collect();
    starts.sort_unstable();
    starts.dedup();
    let mut position = 0;
    while position < text.len() {
        position += text[position..].iter().position(|byte| starts.contains(byte))?;
        let here = specials.iter().filter(|special| !special.is_empty());
        let longest = here.filter(|special| text[position..].starts_with(special)).map(Vec::len);
        if let Some(len) = longest.max() {
            return Some((position, len));
        }
        position += 1;
    }
    None
}
