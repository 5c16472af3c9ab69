//! How batches cross: Arrow columns come in as their buffers, results go out as `Buffer`.
//!
//! Both ways without a copy and without an Arrow dependency in Rust: Python takes an array apart
//! with `Array.buffers()` and puts one together with `Array.from_buffers` or `numpy.frombuffer`.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use std::any::Any;
use std::os::raw::{c_int, c_void};
use std::sync::Mutex;

/// What memory is kept for the next result: no less, which the allocator keeps itself, and no more.
/// Ours.
const KEPT_BYTES: std::ops::RangeInclusive<usize> = 4 << 20..=64 << 20;

/// Memory of a large result that Python let go, a vector of numbers, for the next: the system would
/// clear new memory page by page, which takes a fifth of the time of encoding.
static SPARE: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);

/// The two buffers of an Arrow `large_string` or `large_binary` column without nulls and offset 0.
///
/// Row `i` is `data[offsets[i]..offsets[i + 1]]`; `offsets` are int64, rows + 1 of them.
pub(super) struct TextColumn {
    offsets: PyBuffer<i64>,
    data: PyBuffer<u8>,
}

impl TextColumn {
    /// Checks that both are contiguous, ascending and in range, so that slicing cannot fail later.
    pub(super) fn new(offsets: &Bound<'_, PyAny>, data: &Bound<'_, PyAny>) -> PyResult<Self> {
        let column = TextColumn { offsets: PyBuffer::get(offsets)?, data: PyBuffer::get(data)? };
        if !column.offsets.is_c_contiguous() || !column.data.is_c_contiguous() {
            return Err(PyValueError::new_err("column buffers must be contiguous"));
        }
        let offsets = column.offsets();
        let in_range = match (offsets.first(), offsets.last()) {
            (Some(&first), Some(&last)) => first >= 0 && last as usize <= column.data().len(),
            _ => false,
        };
        if !in_range || !offsets.is_sorted() {
            return Err(PyValueError::new_err("column offsets must ascend within the data buffer"));
        }
        Ok(column)
    }

    /// What `work` makes of the offsets and bytes of a column, detached from the interpreter.
    pub(super) fn detached<T: Send>(
        offsets: &Bound<'_, PyAny>,
        data: &Bound<'_, PyAny>,
        work: impl FnOnce(&[i64], &[u8]) -> T + Send,
    ) -> PyResult<T> {
        let column = TextColumn::new(offsets, data)?;
        let rows = (column.offsets(), column.data());
        Ok(offsets.py().detach(|| work(rows.0, rows.1)))
    }

    /// The row boundaries: rows + 1 values.
    pub(super) fn offsets(&self) -> &[i64] {
        // SAFETY: a live, contiguous buffer of i64 that the exporter does not resize; Arrow
        // buffers are immutable.
        unsafe {
            std::slice::from_raw_parts(
                self.offsets.buf_ptr() as *const i64,
                self.offsets.item_count(),
            )
        }
    }

    /// All rows' bytes, one after the other.
    pub(super) fn data(&self) -> &[u8] {
        if self.data.item_count() == 0 {
            return &[];
        }
        // SAFETY: as for `offsets`.
        unsafe {
            std::slice::from_raw_parts(self.data.buf_ptr() as *const u8, self.data.item_count())
        }
    }
}

/// Bytes owned by Rust and readable through the buffer protocol (`memoryview`, NumPy, pyarrow).
#[pyclass(frozen, module = "webtext_py._core")]
pub(super) struct Buffer {
    owner: Box<dyn Owner>,
}

/// Keeps memory alive and shows it as bytes.
trait Owner: Send + Sync {
    fn bytes(&self) -> &[u8];
}

impl Owner for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// A vector of plain numbers.
struct Numbers<T>(Vec<T>);

impl<T: Plain> Owner for Numbers<T> {
    fn bytes(&self) -> &[u8] {
        // SAFETY: `Plain` types have no padding and no invalid bit patterns as bytes.
        unsafe {
            std::slice::from_raw_parts(
                self.0.as_ptr() as *const u8,
                std::mem::size_of_val(self.0.as_slice()),
            )
        }
    }
}

/// Numbers whose memory becomes `SPARE`.
struct Recycled<T: Plain>(Numbers<T>);

impl<T: Plain> Owner for Recycled<T> {
    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl<T: Plain> Drop for Recycled<T> {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.0.0);
        if KEPT_BYTES.contains(&(memory.capacity() * size_of::<T>())) {
            *SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Box::new(memory));
        }
    }
}

/// Memory to write about `count` numbers to, with some left in it; a new vector where none is kept
/// that is no larger than twice that.
pub(super) fn spare<T: Plain>(count: usize) -> Vec<T> {
    let mut kept = SPARE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let fits = |memory: &Box<dyn Any + Send>| {
        memory.downcast_ref::<Vec<T>>().is_some_and(|memory| memory.capacity() <= 2 * count)
    };
    let taken = kept.take_if(|memory| fits(memory)).and_then(|memory| memory.downcast().ok());
    taken.map_or_else(Vec::new, |memory| *memory)
}

impl Buffer {
    /// As `from_vec`; the memory goes to the next who asks for `spare`.
    pub(super) fn recycled<T: Plain>(values: Vec<T>) -> Self {
        Buffer { owner: Box::new(Recycled(Numbers(values))) }
    }

    /// Takes over a vector of plain numbers as bytes in native order, without a copy.
    pub(super) fn from_vec<T: Plain>(values: Vec<T>) -> Self {
        Buffer { owner: Box::new(Numbers(values)) }
    }

    /// Takes over bytes without a copy.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Buffer { owner: Box::new(bytes) }
    }
}

/// Numbers whose memory may be read as bytes.
///
/// # Safety
/// Only for types without padding.
pub(super) unsafe trait Plain: Send + Sync + 'static {}
// SAFETY: primitive numbers have no padding.
unsafe impl Plain for u16 {}
unsafe impl Plain for u32 {}
unsafe impl Plain for u64 {}
unsafe impl Plain for i32 {}
unsafe impl Plain for i64 {}
unsafe impl Plain for f32 {}
unsafe impl Plain for f64 {}

#[pymethods]
impl Buffer {
    fn __len__(&self) -> usize {
        self.owner.bytes().len()
    }

    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = slf.get().owner.bytes();
        // SAFETY: the bytes live in the frozen object, which the view keeps alive.
        let filled = unsafe {
            ffi::PyBuffer_FillInfo(
                view,
                slf.as_ptr(),
                bytes.as_ptr() as *mut c_void,
                bytes.len() as ffi::Py_ssize_t,
                1,
                flags,
            )
        };
        if filled != 0 {
            return Err(PyErr::take(slf.py())
                .unwrap_or_else(|| PyBufferError::new_err("buffer could not be exported")));
        }
        Ok(())
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Buffer>()
}
