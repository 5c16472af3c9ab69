"""What extractors found, as columns: a batch of pages goes to the core and comes back as Arrow."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from webtext_py import _core
from webtext_py.text.page import Found, Page
from webtext_py.text.page_task import NO_DAY, PROBLEMS, response

FOUND = pa.schema(
    [
        pa.field("problem", pa.string()),
        pa.field("text", pa.large_string(), False),
        pa.field("title", pa.string()),
        pa.field("language", pa.string(), False),
        pa.field("published", pa.date32()),
        pa.field("extractor", pa.string(), False),
        pa.field("charset", pa.string(), False),
    ]
)


def of_rows(rows: Sequence[Found]) -> pa.RecordBatch:
    """Pages' findings as columns."""
    columns = [pa.array([getattr(row, f.name) for row in rows], f.type) for f in FOUND]
    return pa.RecordBatch.from_arrays(columns, schema=FOUND)


def by_core(engine: str, named: str, pages: Sequence[Page]) -> pa.RecordBatch:
    """What an engine of the core finds in `pages`, in one call without the interpreter."""
    outcomes, days, texts = _core.extract_documents(engine, [response(page) for page in pages])
    count = len(pages)
    text, title, language, charset = (
        pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
        for offsets, data in texts
    )
    codes = np.frombuffer(memoryview(outcomes), np.uint8)
    published = np.frombuffer(memoryview(days), np.int32)
    columns = [
        pa.array([PROBLEMS[code] for code in codes], pa.string()),
        text,
        pa.array([value or None for value in title.to_pylist()], pa.string()),
        language.cast(pa.string()),
        pa.array(published, mask=published == NO_DAY).cast(pa.date32()),
        pa.repeat(named, count),
        charset.cast(pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=FOUND)
