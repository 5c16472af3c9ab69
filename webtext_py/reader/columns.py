"""Columns of foreign tables: which types are text, and their values, however they are stored.

One table for every reader: text is `string`, `large_string`, `string_view`, a dictionary of these,
a column of nulls alone, and where a reader says so `binary` of any kind.
"""

import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from webtext_py.reader.ids import id_text
from webtext_py.reader.passed import Passed
from webtext_py.reader.times import Micros, column_micros


def _is_string(kind: pa.DataType) -> bool:
    t = pa.types
    return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))


def is_binary(kind: pa.DataType) -> bool:
    """Whether values are bytes, in a dictionary or not."""
    t = pa.types
    if t.is_dictionary(kind):
        return is_binary(kind.value_type)
    found = t.is_binary(kind) or t.is_large_binary(kind) or t.is_fixed_size_binary(kind)
    return bool(found or t.is_binary_view(kind))


def is_text(kind: pa.DataType, *, binary: bool = False) -> bool:
    """Whether a column of this type is text; with `binary` bytes are, too."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type, binary=binary)
    return _is_string(kind) or pa.types.is_null(kind) or (binary and is_binary(kind))


def takeable(schema: pa.Schema) -> pa.Schema:
    """The schema with plain strings and bytes for their views, which Arrow cannot filter yet."""
    fields = [field.with_type(_plain(field.type)) for field in schema]
    return pa.schema(fields, schema.metadata)


def storable(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The batches as Parquet can hold them: a column of a type that it has not is text."""
    fields = list(schema)
    for i, field in enumerate(fields):
        try:
            pq.ParquetWriter(io.BytesIO(), pa.schema([field])).close()
        except pa.ArrowNotImplementedError:
            fields[i] = field.with_type(pa.string())
    stored = pa.schema(fields, schema.metadata)

    def columns(batch: pa.RecordBatch) -> list[pa.Array]:
        pairs = zip(batch.columns, stored.types, strict=True)
        return [column if column.type == kind else as_strings(column) for column, kind in pairs]

    return stored, (pa.record_batch(columns(batch), schema=stored) for batch in batches)


def _plain(kind: pa.DataType) -> pa.DataType:
    t = pa.types
    if t.is_string_view(kind) or t.is_binary_view(kind):
        return pa.large_string() if t.is_string_view(kind) else pa.large_binary()
    if t.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _plain(kind.value_type), kind.ordered)
    if t.is_map(kind):
        return pa.map_(_plain(kind.key_type), kind.item_field.with_type(_plain(kind.item_type)))
    if t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind):
        make = pa.large_list if t.is_large_list(kind) else pa.list_
        size = (kind.list_size,) if t.is_fixed_size_list(kind) else ()
        return make(kind.value_field.with_type(_plain(kind.value_type)), *size)
    if t.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return kind


def _dense(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def as_text(values: pa.Array, passed: Passed | None = None) -> pa.Array:
    """A text or binary column as valid UTF-8 in `large_string`: what is none becomes U+FFFD, and
    such texts are counted in `passed`."""
    values = _dense(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), pa.large_string())
    if values.type != pa.large_string():
        if _is_string(values.type):
            values = values.cast(pa.large_string())
        else:
            try:
                return values.cast(pa.large_string())
            except pa.ArrowInvalid:
                return _decoded(values, passed)
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return _decoded(values.cast(pa.large_binary()), passed)
    return values


def _decoded(values: pa.Array, passed: Passed | None) -> pa.Array:
    texts = [None if v is None else utf8(v, passed) for v in values.to_pylist()]
    return pa.array(texts, pa.large_string())


def utf8(content: bytes | memoryview, passed: Passed | None = None) -> str:
    """A text; bytes that are no UTF-8 become U+FFFD, and such a text is counted in `passed`."""
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError:
        if passed is not None:
            passed.add("values", "text that is no UTF-8, with U+FFFD")
        return str(content, "utf-8", "replace")


def as_strings(values: pa.Array) -> pa.Array:
    """Any column as strings, valid UTF-8: numbers and times as Arrow spells them, what is nested as
    JSON."""
    kind = values.type
    if is_text(kind, binary=True):
        return as_text(values).cast(pa.string())
    if not pa.types.is_nested(kind):
        try:
            return _dense(values).cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    return pa.array([id_text(value) for value in values_of(values)], pa.string())


def rows_of(batch: pa.RecordBatch, passed: Passed | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a batch as Python has them.

    Text that is no UTF-8 comes as bytes, so that whoever reads can tell; times of any unit as
    `Micros`; a value that Python cannot hold is null and counted in `passed`.
    """
    names = batch.schema.names
    columns = [
        values_of(column, passed, name) for name, column in zip(names, batch.columns, strict=True)
    ]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def values_of(column: pa.Array, passed: Passed | None = None, name: str = "") -> list[Any]:
    """The values of a column as `rows_of` has them."""
    column = _dense(column)
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        found = [None if v is None else Micros(v) for v in column_micros(column)]
        lost = sum(v is None for v in found) - column.null_count
        if passed is not None:
            passed.add("values", f"{name}: a time out of range", lost)
        return found
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError, pa.ArrowException):
        return [_value(scalar, passed, name) for scalar in column]


def _value(scalar: pa.Scalar, passed: Passed | None, name: str) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        if _is_string(scalar.type):
            return scalar.cast(pa.large_binary()).as_py()
    except (ValueError, OverflowError, pa.ArrowException):
        pass
    if passed is not None:
        passed.add("values", f"{name}: cannot be read")
    return None


def to_int64(value: Any) -> int | None:
    """A whole number of 64 bits out of a number or its text, fractions cut; None for anything
    else, truth values included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    text = str(value).strip()
    try:
        number = Decimal(text) if len(text) < 100 else None
    except ArithmeticError:
        return None
    # Looked at before it is written out: 1e999999 is a megabyte of digits.
    if number is None or not number.is_finite() or not -(2**63) <= number < 2**63:
        return None
    return int(number)
