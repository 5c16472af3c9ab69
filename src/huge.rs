//! Huge pages for memory that will be filled: two thousand page faults in 4 MiB become two.

/// Memory below this is left alone: a huge page has 2 MiB.
const LEAST_BYTES: usize = 4 << 20;

/// A vector of `len` times `value`, in huge pages where it is long.
pub(crate) fn filled<T: Clone>(value: T, len: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(len);
    advise(&mut vector);
    vector.resize(len, value);
    vector
}

/// Asks for huge pages behind what a vector holds, up to its capacity. Slower without, not wrong.
pub(crate) fn advise<T>(vector: &mut Vec<T>) {
    let spare = vector.spare_capacity_mut();
    if size_of_val(spare) < LEAST_BYTES {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 4096;
        let begin = (spare.as_ptr() as usize).next_multiple_of(PAGE);
        let end = spare.as_ptr_range().end as usize / PAGE * PAGE;
        // SAFETY: the pages lie in the vector's memory, and the advice changes no byte of them.
        unsafe { libc::madvise(begin as *mut libc::c_void, end - begin, libc::MADV_HUGEPAGE) };
    }
}
