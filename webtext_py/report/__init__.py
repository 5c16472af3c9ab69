"""The report: a page by which to judge the data set of a directory.

Takes the tables of a finished build and what was made from its shards. Gives `report/index.html`
and `report/report.json` with the same figures. Every figure is counted from the tables, not from
the manifest; seconds, memory and disk alone come from there and stand apart, outside the digest.

Memory grows with the number of distinct domains and subreddits and with the number of clusters of
duplicates, about 100 bytes each; all texts are read in batches.
"""

from webtext_py.report.stage import Report, report

__all__ = ["Report", "report"]
