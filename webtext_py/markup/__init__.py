"""The HTML of reports: a self-contained page, its tables and charts.

Whatever is no `Html` is escaped where it is put, so texts, names and URLs of strangers stay text.
"""

from webtext_py.markup.charts import Series, columns
from webtext_py.markup.html import Html, join, tag, text
from webtext_py.markup.page import page
from webtext_py.markup.tables import bar, percent, table, tiles

__all__ = [
    "Html",
    "Series",
    "bar",
    "columns",
    "join",
    "page",
    "percent",
    "table",
    "tag",
    "text",
    "tiles",
]
