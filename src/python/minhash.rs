//! Binding of `crate::minhash`.

use std::path::PathBuf;

use super::buffer::{Buffer, TextColumn};
use super::signals::interrupted;
use super::words::mode_of;
use crate::Error;
use crate::minhash::bands::{self, Bands, Groups};
use crate::minhash::cluster;
use crate::minhash::components::{self, Pair};
use crate::minhash::parts::{arrange, part_of, read_part};
use crate::minhash::sets::{self, Sets};
use crate::minhash::signature::{Permutations, Scheme, ShingleHash, sign_rows};
use crate::minhash::verify;
use crate::overlap::ngrams::MAX_N;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

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

/// A column of texts and the permutations of their signatures, as a call gives them.
struct Signing {
    column: TextColumn,
    permutations: Permutations,
    shingle: usize,
}

/// Offsets and bytes of a text column.
type Column<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);
/// Name and parameters of permutations.
type Scheming<'py> = (String, Bound<'py, PyAny>, Bound<'py, PyAny>);

impl Signing {
    fn new(py: Python<'_>, column: &Column<'_>, of: &Scheming<'_>, n: usize) -> PyResult<Signing> {
        Ok(Signing {
            column: TextColumn::new(&column.0, &column.1)?,
            permutations: permutations_of(py, &of.0, &of.1, &of.2)?,
            shingle: shingle_of(n)?,
        })
    }
}

/// Hash values of each row's signature: uint32 for affine32, else uint64.
#[pyfunction]
fn minhash_signatures(
    py: Python<'_>,
    column: Column<'_>,
    permutations: Scheming<'_>,
    n: usize,
    ascii: bool,
    hash: &str,
) -> PyResult<Buffer> {
    let Signing { column, permutations, shingle } = Signing::new(py, &column, &permutations, n)?;
    let (mode, hash) = (mode_of(ascii), hash_of(hash)?);
    let (offsets, data) = (column.offsets(), column.data());
    Ok(py.detach(|| {
        let values = sign_rows(offsets, data, &permutations, mode, shingle, hash);
        if permutations.scheme() == Scheme::Affine32 {
            Buffer::from_vec(values.into_iter().map(|value| value as u32).collect::<Vec<u32>>())
        } else {
            Buffer::from_vec(values)
        }
    }))
}

/// Digests of the rows' words (16 bytes a row), the bounds of each part, and the band rows by part
/// (uint64: hash, order, number).
#[pyfunction]
#[allow(clippy::too_many_arguments)] // the plain parameters of one call
fn minhash_bands(
    py: Python<'_>,
    column: Column<'_>,
    orders: &Bound<'_, PyAny>,
    numbers: &Bound<'_, PyAny>,
    permutations: Scheming<'_>,
    banding: (usize, usize),
    n: usize,
    parts: usize,
) -> PyResult<(Buffer, Buffer, Buffer)> {
    let Signing { column, permutations, shingle } = Signing::new(py, &column, &permutations, n)?;
    let (orders, numbers) = (words(py, orders)?, words(py, numbers)?);
    let (offsets, data) = (column.offsets(), column.data());
    let (digests, (bounds, rows)) = py.detach(|| -> crate::Result<_> {
        let (bands, rows) = banding;
        let maker = Bands { permutations: &permutations, bands, rows, n: shingle };
        let (found, digests) = maker.rows_of(offsets, data, &orders, &numbers)?;
        Ok((digests, arrange(&found, parts, |row| part_of(row[0], parts))))
    })?;
    let digests = Buffer::from_bytes(digests.into_flattened());
    Ok((digests, Buffer::from_vec(bounds), Buffer::from_vec(rows.into_flattened())))
}

/// Digests of the rows' words: 16 bytes a row.
#[pyfunction]
fn word_digests(py: Python<'_>, column: Column<'_>) -> PyResult<Buffer> {
    let column = TextColumn::new(&column.0, &column.1)?;
    let (offsets, data) = (column.offsets(), column.data());
    Ok(Buffer::from_bytes(py.detach(|| bands::word_digests(offsets, data)).into_flattened()))
}

/// Numbers by part: the bounds of each part, then the numbers (uint64).
#[pyfunction]
fn arrange_numbers(
    py: Python<'_>,
    numbers: &Bound<'_, PyAny>,
    parts: usize,
) -> PyResult<(Buffer, Buffer)> {
    let rows: Vec<[u64; 1]> = words(py, numbers)?.into_iter().map(|number| [number]).collect();
    let (bounds, rows) = arrange(&rows, parts, |row| part_of(row[0], parts));
    Ok((Buffer::from_vec(bounds), Buffer::from_vec(rows.into_flattened())))
}

/// The numbers of one part in files by part (uint64).
#[pyfunction]
fn read_numbers(
    py: Python<'_>,
    files: Vec<PathBuf>,
    part: usize,
    parts: usize,
) -> PyResult<Buffer> {
    let rows = py.detach(|| read_part::<1>(&files, part, parts))?;
    Ok(Buffer::from_vec(rows.into_flattened()))
}

/// Groups of candidates among the band rows of one part, less the numbers in `copies`: bounds of
/// each part, the groups as numbers, the members' numbers ascending, and how many groups.
#[pyfunction]
fn minhash_groups(
    py: Python<'_>,
    files: Vec<PathBuf>,
    part: usize,
    parts: usize,
    copies: &Bound<'_, PyAny>,
) -> PyResult<(Buffer, Buffer, Buffer, u64)> {
    let copies = words(py, copies)?;
    let ((bounds, words), numbers, count) = py.detach(|| -> crate::Result<_> {
        let groups = Groups::of_rows(&files, part, parts, &copies)?;
        Ok((groups.to_words(parts), groups.numbers(), groups.len() as u64))
    })?;
    let (bounds, words) = (Buffer::from_vec(bounds), Buffer::from_vec(words));
    Ok((bounds, words, Buffer::from_vec(numbers), count))
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

/// Verified pairs of one part of the groups (uint64: both numbers, the bits of the similarity); then
/// pairs compared, told apart by size, members without a representative, and groups.
#[pyfunction]
fn minhash_verify(
    py: Python<'_>,
    group_files: Vec<PathBuf>,
    part: usize,
    parts: usize,
    set_files: Vec<PathBuf>,
    threshold: f64,
) -> PyResult<(Buffer, u64, u64, u64, u64)> {
    let (edges, work, count) = py.detach(|| -> crate::Result<_> {
        let groups = Groups::read(&group_files, part, parts)?;
        let sets = Sets::open(&set_files)?;
        let (edges, work) = verify::verify(&groups, &sets, threshold, &interrupted)?;
        Ok((edges, work, groups.len() as u64))
    })?;
    let pair = |edge: &verify::Edge| -> Pair { [edge.left, edge.right, edge.jaccard.to_bits()] };
    let pairs: Vec<u64> = edges.iter().flat_map(pair).collect();
    Ok((Buffer::from_vec(pairs), work.compared, work.by_size, work.unrepresented, count))
}

/// Writes the verified pairs in files to `out`, each connected component in one of its parts;
/// returns how many components and documents there are.
#[pyfunction]
fn minhash_components(
    py: Python<'_>,
    files: Vec<PathBuf>,
    parts: usize,
    out: PathBuf,
) -> PyResult<(u64, u64)> {
    Ok(py.detach(|| components::components(&files, parts, &out, &interrupted))?)
}

/// The verified pairs of one part: numbers (uint64, two a pair) and similarities (float64).
#[pyfunction]
fn minhash_pairs(
    py: Python<'_>,
    file: PathBuf,
    part: usize,
    parts: usize,
) -> PyResult<(Buffer, Buffer)> {
    let (numbers, values) = py.detach(|| -> crate::Result<(Vec<u64>, Vec<f64>)> {
        let pairs: Vec<Pair> = read_part(&[file], part, parts)?;
        let numbers = pairs.iter().flat_map(|pair| [pair[0], pair[1]]).collect();
        Ok((numbers, pairs.iter().map(|pair| f64::from_bits(pair[2])).collect()))
    })?;
    Ok((Buffer::from_vec(numbers), Buffer::from_vec(values)))
}

/// What becomes of documents given from the best down: survivor, via and verified pairs to the
/// survivor (uint32, three a document), similarity to via and to the survivor (float64, two a
/// document).
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
    let ranks: Vec<u32> = fates.iter().flat_map(|fate| [fate.kept, fate.via, fate.steps]).collect();
    let values: Vec<f64> =
        fates.iter().flat_map(|fate| [fate.jaccard, fate.jaccard_kept]).collect();
    Ok((Buffer::from_vec(ranks), Buffer::from_vec(values)))
}

/// Adds this file's functions to `_core`.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(minhash_signatures, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_bands, module)?)?;
    module.add_function(wrap_pyfunction!(word_digests, module)?)?;
    module.add_function(wrap_pyfunction!(arrange_numbers, module)?)?;
    module.add_function(wrap_pyfunction!(read_numbers, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_groups, module)?)?;
    module.add_function(wrap_pyfunction!(shingle_sets, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_verify, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_components, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_pairs, module)?)?;
    module.add_function(wrap_pyfunction!(minhash_cluster, module)?)
}
