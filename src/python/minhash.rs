//! Binding of `crate::minhash`.

use std::path::PathBuf;

use super::buffer::{Buffer, TextColumn};
use super::words::mode_of;
use crate::Error;
use crate::minhash::bands::{self, Bands, Groups};
use crate::minhash::cluster;
use crate::minhash::sets::{self, Sets};
use crate::minhash::signature::{Permutations, Scheme, ShingleHash, sign_rows};
use crate::minhash::verify;
use crate::overlap::ngrams::MAX_N;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

fn interrupted() -> bool {
    Python::attach(|py| py.check_signals().is_err())
}

/// A copy of a contiguous uint64 array.
fn words(py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    PyBuffer::<u64>::get(array)?.to_vec(py)
}

fn shingle_of(n: usize) -> PyResult<usize> {
    if !(1..=MAX_N).contains(&n) {
        return Err(
            Error::InvalidParameter(format!("shingle of {n} words, not 1 to {MAX_N}")).into()
        );
    }
    Ok(n)
}

fn permutations_of(
    py: Python<'_>,
    scheme: &str,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
) -> PyResult<Permutations> {
    let scheme = match scheme {
        "affine32" => Scheme::Affine32,
        "affine64" => Scheme::Affine64,
        "legacy" => Scheme::Legacy,
        other => {
            let message = format!("scheme `{other}` is none of affine32, affine64, legacy");
            return Err(PyValueError::new_err(message));
        }
    };
    Ok(Permutations::new(scheme, &words(py, a)?, &words(py, b)?)?)
}

fn hash_of(hash: &str) -> PyResult<ShingleHash> {
    match hash {
        "sha1" => Ok(ShingleHash::Sha1),
        "ngram" => Ok(ShingleHash::Ngram),
        other => Err(PyValueError::new_err(format!("hash `{other}` is neither sha1 nor ngram"))),
    }
}

/// Hash values of each row's signature: uint32 for affine32, else uint64.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // the plain parameters of one call
fn minhash_signatures(
    py: Python<'_>,
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    scheme: &str,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    n: usize,
    ascii: bool,
    hash: &str,
) -> PyResult<Buffer> {
    let column = TextColumn::new(offsets, data)?;
    let permutations = permutations_of(py, scheme, a, b)?;
    let (mode, n, hash) = (mode_of(ascii), shingle_of(n)?, hash_of(hash)?);
    let (offsets, data) = (column.offsets(), column.data());
    Ok(py.detach(|| {
        let values = sign_rows(offsets, data, &permutations, mode, n, hash);
        if permutations.scheme() == Scheme::Affine32 {
            Buffer::from_vec(values.into_iter().map(|value| value as u32).collect::<Vec<u32>>())
        } else {
            Buffer::from_vec(values)
        }
    }))
}

/// Sorted band rows (uint64: hash, order, number) and the bounds of each part in rows.
#[pyfunction]
#[allow(clippy::too_many_arguments)] // the plain parameters of one call
fn minhash_bands(
    py: Python<'_>,
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    orders: &Bound<'_, PyAny>,
    numbers: &Bound<'_, PyAny>,
    scheme: &str,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    bands: usize,
    rows: usize,
    n: usize,
    parts: usize,
) -> PyResult<(Buffer, Buffer)> {
    let column = TextColumn::new(offsets, data)?;
    let permutations = permutations_of(py, scheme, a, b)?;
    let (orders, numbers) = (words(py, orders)?, words(py, numbers)?);
    let n = shingle_of(n)?;
    let (offsets, data) = (column.offsets(), column.data());
    let (found, bounds) = py.detach(|| -> crate::Result<_> {
        let maker = Bands { permutations: &permutations, bands, rows, n };
        let found = maker.rows_of(offsets, data, &orders, &numbers)?;
        let bounds = bands::row_bounds(&found, parts);
        Ok((found, bounds))
    })?;
    Ok((Buffer::from_vec(found.into_flattened()), Buffer::from_vec(bounds)))
}

fn group_buffers(groups: &Groups, parts: usize) -> (Buffer, Buffer, Buffer, u64) {
    let (bounds, words) = groups.to_words(parts);
    let (bounds, words) = (Buffer::from_vec(bounds), Buffer::from_vec(words));
    (bounds, words, Buffer::from_vec(groups.numbers()), groups.len() as u64)
}

/// Groups of candidates in files of band rows: bounds of each part, the groups as numbers, the
/// members' numbers ascending, and how many groups.
#[pyfunction]
fn minhash_groups(
    py: Python<'_>,
    files: Vec<PathBuf>,
    parts: usize,
) -> PyResult<(Buffer, Buffer, Buffer, u64)> {
    Ok(py.detach(|| Groups::of_rows(&files).map(|groups| group_buffers(&groups, parts)))?)
}

/// Distinct shingle keys of rows: the end of each row's, and the keys, ascending in each row.
#[pyfunction]
fn shingle_sets(
    py: Python<'_>,
    offsets: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    n: usize,
) -> PyResult<(Buffer, Buffer)> {
    let column = TextColumn::new(offsets, data)?;
    let n = shingle_of(n)?;
    let (offsets, data) = (column.offsets(), column.data());
    let (ends, keys) = py.detach(|| sets::set_rows(offsets, data, n));
    Ok((Buffer::from_vec(ends), Buffer::from_vec(keys)))
}

/// Verified pairs of the groups in files: numbers (uint64, two a pair) and similarities (float64);
/// then pairs compared, told apart by size, members without a representative, and groups.
#[pyfunction]
fn minhash_verify(
    py: Python<'_>,
    group_files: Vec<PathBuf>,
    set_files: Vec<PathBuf>,
    threshold: f64,
) -> PyResult<(Buffer, Buffer, u64, u64, u64, u64)> {
    let (edges, work, count) = py.detach(|| -> crate::Result<_> {
        let groups = Groups::read(&group_files)?;
        let sets = Sets::open(&set_files)?;
        let (edges, work) = verify::verify(&groups, &sets, threshold, &interrupted)?;
        Ok((edges, work, groups.len() as u64))
    })?;
    let pairs: Vec<u64> = edges.iter().flat_map(|edge| [edge.left, edge.right]).collect();
    let values: Vec<f64> = edges.iter().map(|edge| edge.jaccard).collect();
    let (pairs, values) = (Buffer::from_vec(pairs), Buffer::from_vec(values));
    Ok((pairs, values, work.compared, work.by_size, work.unrepresented, count))
}

/// What becomes of documents given from the best down: survivor and via (uint32, two a document),
/// similarity to via and to the survivor (float64, two a document).
#[pyfunction]
fn minhash_cluster(
    py: Python<'_>,
    numbers: &Bound<'_, PyAny>,
    pairs: &Bound<'_, PyAny>,
    similarities: &Bound<'_, PyAny>,
    set_files: Vec<PathBuf>,
    threshold: f64,
) -> PyResult<(Buffer, Buffer)> {
    let numbers = words(py, numbers)?;
    let pairs = PyBuffer::<u32>::get(pairs)?.to_vec(py)?;
    let similarities = PyBuffer::<f64>::get(similarities)?.to_vec(py)?;
    if pairs.len() != 2 * similarities.len() {
        let message = format!("{} ends of {} pairs", pairs.len(), similarities.len());
        return Err(PyValueError::new_err(message));
    }
    let fates = py.detach(|| -> crate::Result<_> {
        let edges: Vec<(u32, u32, f64)> = pairs
            .chunks_exact(2)
            .zip(&similarities)
            .map(|(pair, &jaccard)| (pair[0], pair[1], jaccard))
            .collect();
        let sets = Sets::open(&set_files)?;
        cluster::cluster(&numbers, &edges, &sets, threshold, &interrupted)
    })?;
    let ranks: Vec<u32> = fates.iter().flat_map(|fate| [fate.kept, fate.via]).collect();
    let values: Vec<f64> =
        fates.iter().flat_map(|fate| [fate.jaccard, fate.jaccard_kept]).collect();
    Ok((Buffer::from_vec(ranks), Buffer::from_vec(values)))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(minhash_signatures, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_bands, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_groups, module)?)?;
    module.add_function(wrap_pyfunction!(shingle_sets, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_verify, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_cluster, module)?)
}
