//! Special tokens in text.

/// Position and length of the first occurrence of any of `specials` in `text`, the longest where
/// several start at the same place.
pub(crate) fn find(text: &[u8], specials: &[Vec<u8>]) -> Option<(usize, usize)> {
    find_index(text, specials).map(|(position, index)| (position, specials[index].len()))
}

/// Position of the first occurrence of any of `specials` in `text`, and which it is.
pub(crate) fn find_index(text: &[u8], specials: &[Vec<u8>]) -> Option<(usize, usize)> {
    let starts: Vec<u8> = {
        let mut starts: Vec<u8> = specials.iter().filter_map(|s| s.first().copied()).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    };
    let mut position = 0;
    while position < text.len() {
        position += text[position..].iter().position(|byte| starts.contains(byte))?;
        let longest = specials
            .iter()
            .enumerate()
            .filter(|(_, special)| !special.is_empty() && text[position..].starts_with(special))
            .max_by_key(|(index, special)| (special.len(), usize::MAX - index));
        if let Some((index, _)) = longest {
            return Some((position, index));
        }
        position += 1;
    }
    None
}
