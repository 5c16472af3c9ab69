//! Many texts on several threads, in the order given.

use super::{Encoder, Id, Scratch};
use crate::bpe::units::{Sequence, Texts, Unit, units};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Ids of many texts: those of text `i` are `ids[offsets[i]..offsets[i + 1]]`.
pub struct Encoded<T> {
    /// All ids.
    pub ids: Vec<T>,
    /// Boundaries, one more than texts.
    pub offsets: Vec<i64>,
}

/// What one unit gave.
struct Part<T> {
    ids: Vec<T>,
    of: Of,
}

/// What a part's ids belong to.
enum Of {
    /// Whole texts, with the end of each among the ids.
    Texts(Vec<usize>),
    /// The beginning of a text.
    Beginning,
    /// More of the text that the part before belongs to.
    More,
}

impl Encoder {
    /// Where long texts may be cut: nowhere where added tokens, which may hold white space, are
    /// looked for.
    fn cuts(&self, allow_special: bool) -> Option<Sequence> {
        (!self.added.looks(allow_special)).then_some(Sequence::Document)
    }

    /// The ids of many texts, on up to `threads` threads, each text behind `prefix` if there is one.
    ///
    /// `keep_going` is asked now and then, on the calling thread alone. The result does not depend
    /// on the number of threads.
    ///
    /// # Errors
    /// `Error::InvalidParameter` if an id does not fit into `T`, or a stretch of 4 GiB has no
    /// word's end; `Error::Interrupted` if `keep_going` says no.
    pub fn encode_batch<T: Id>(
        &self,
        texts: Texts<'_>,
        prefix: Option<u32>,
        allow_special: bool,
        threads: usize,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<Encoded<T>> {
        let mut all = Encoded { ids: Vec::new(), offsets: vec![0] };
        let (ids, ends) = (&mut all.ids, &mut all.offsets);
        ids.reserve(texts.data.len() / 3);
        crate::huge::advise(ids);
        self.encode_more(texts, prefix, allow_special, threads, keep_going, ids, ends)?;
        Ok(all)
    }

    /// As `encode_batch`, appending to `ids` and to `ends`, whose last element is their number.
    #[expect(clippy::too_many_arguments)]
    pub(crate) fn encode_more<T: Id>(
        &self,
        texts: Texts<'_>,
        prefix: Option<u32>,
        allow_special: bool,
        threads: usize,
        keep_going: &mut dyn FnMut() -> bool,
        ids: &mut Vec<T>,
        ends: &mut Vec<i64>,
    ) -> Result<()> {
        let limit = self.vocabulary().id_limit().max(prefix.map_or(0, |id| id.saturating_add(1)));
        if std::mem::size_of::<T>() == 2 && limit > 1 << 16 {
            return Err(Error::InvalidParameter(format!(
                "ids up to {} were found; 16 bits hold 65535",
                limit - 1
            )));
        }
        let units = units(texts, self.cuts(allow_special));
        if units.iter().any(Unit::too_long) {
            return Err(Error::InvalidParameter(
                "a stretch of 4 GiB without a word's end was found; text was expected".into(),
            ));
        }
        let threads = threads.clamp(1, units.len().max(1));
        if threads == 1 {
            return self.encode_here(texts, prefix, allow_special, keep_going, ids, ends);
        }
        let joined = Mutex::new(Joined {
            ids,
            ends,
            open: false,
            next: 0,
            early: BTreeMap::new(),
            spare: Vec::new(),
        });
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = |asked: &mut dyn FnMut() -> bool| {
            let mut scratch = self.take_scratch();
            let mut ids = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(&unit) = units.get(number) else { break };
                let part = self.encode_unit(texts, unit, prefix, allow_special, &mut scratch, ids);
                ids = joined.lock().expect("no thread panics with it").put(number, part);
                if !asked() {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            self.keep_scratch(scratch);
        };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| work(&mut || true));
            }
            work(keep_going);
        });
        if stop.into_inner() {
            return Err(Error::Interrupted);
        }
        joined.into_inner().expect("no thread panicked").finish();
        Ok(())
    }

    /// All texts on this thread, straight into their place.
    fn encode_here<T: Id>(
        &self,
        texts: Texts<'_>,
        prefix: Option<u32>,
        allow_special: bool,
        keep_going: &mut dyn FnMut() -> bool,
        ids: &mut Vec<T>,
        ends: &mut Vec<i64>,
    ) -> Result<()> {
        let mut scratch = self.take_scratch();
        for unit in units(texts, self.cuts(allow_special)) {
            match unit {
                Unit::Whole(from, until) => {
                    for i in from..until {
                        ids.extend(prefix.map(T::of));
                        self.encode_into(texts.get(i), allow_special, &mut scratch, ids);
                        ends.push(ids.len() as i64);
                    }
                }
                Unit::Part(from, until, first) => {
                    if first {
                        ids.extend(prefix.map(T::of));
                    } else {
                        ends.pop();
                    }
                    self.encode_into(&texts.data[from..until], false, &mut scratch, ids);
                    ends.push(ids.len() as i64);
                }
            }
            if !keep_going() {
                return Err(Error::Interrupted);
            }
        }
        self.keep_scratch(scratch);
        Ok(())
    }

    fn encode_unit<T: Id>(
        &self,
        texts: Texts<'_>,
        unit: Unit,
        prefix: Option<u32>,
        allow_special: bool,
        scratch: &mut Scratch,
        mut ids: Vec<T>,
    ) -> Part<T> {
        let of = match unit {
            Unit::Whole(from, until) => {
                let encode = |i| {
                    ids.extend(prefix.map(T::of));
                    self.encode_into(texts.get(i), allow_special, scratch, &mut ids);
                    ids.len()
                };
                Of::Texts((from..until).map(encode).collect())
            }
            Unit::Part(from, until, first) => {
                if first {
                    ids.extend(prefix.map(T::of));
                }
                self.encode_into(&texts.data[from..until], false, scratch, &mut ids);
                if first { Of::Beginning } else { Of::More }
            }
        };
        Part { ids, of }
    }
}

/// The ids of all parts in their order, which each thread adds its own to.
struct Joined<'a, T> {
    ids: &'a mut Vec<T>,
    ends: &'a mut Vec<i64>,
    /// Whether the last text may go on.
    open: bool,
    /// The number of the part that is to come.
    next: usize,
    /// Parts that were made before it.
    early: BTreeMap<usize, Part<T>>,
    /// Empty buffers of parts that were appended: new ones would cost their page faults each time.
    spare: Vec<Vec<T>>,
}

impl<T: Id> Joined<'_, T> {
    /// Takes a part, appends those whose turn it is, and returns a buffer for the next.
    fn put(&mut self, number: usize, part: Part<T>) -> Vec<T> {
        self.early.insert(number, part);
        while let Some(part) = self.early.remove(&self.next) {
            self.append(part);
            self.next += 1;
        }
        self.spare.pop().unwrap_or_default()
    }

    fn append(&mut self, part: Part<T>) {
        let base = self.ids.len();
        if self.open && !matches!(part.of, Of::More) {
            self.ends.push(base as i64);
        }
        self.ids.extend_from_slice(&part.ids);
        self.open = match part.of {
            Of::Texts(of_texts) => {
                self.ends.extend(of_texts.iter().map(|end| (base + end) as i64));
                false
            }
            Of::Beginning | Of::More => true,
        };
        let mut ids = part.ids;
        ids.clear();
        self.spare.push(ids);
    }

    fn finish(self) {
        if self.open {
            self.ends.push(self.ids.len() as i64);
        }
    }
}
