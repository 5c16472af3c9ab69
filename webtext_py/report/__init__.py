"""The report: a page by which to judge the data set of a directory.

Takes the tables of a finished build and what was made from its shards. Gives `report/index.html`
and `report/report.json` with the same figures. Every figure is counted from the tables, not from
the manifest; seconds, memory and disk alone come from there and stand apart, outside the digest.

Domains and subreddits are added up by partitions, and texts are read in batches: memory grows with
the clusters of duplicates and the articles of Wikipedia, a few hundred bytes each.
"""

from webtext_py.report.stage import Report, report

__all__ = ["Report", "report"]
