"""Stage 2, pages: which capture stands for which link.

Takes `links/` and containers of captures (`--pages`). Gives `pages/index-*.parquet`, a row for each
capture where it lies (nothing is copied); `pages/good-*.parquet`, the capture chosen for each link;
and the ledger rows of links without one.

The good capture (2xx, HTML) nearest the submission's date wins; where there is none the nearest
redirect is followed, at most 10 times. Revisit records stand for the payload that they name.
Memory grows with a partition's captures and links.
"""
