"""Stage 1, links: from dumps (or a table of links) to one row per canonical URL.

Takes submission dumps or `--links FILE`. Gives `links/part-*.parquet`, `ledger/lines.parquet` and
the ledger rows of URLs that end here. Drops lines that are no outbound link in the dates
(`lines.py`) and URLs with too little karma or that no page of text can come from (`urls.py`).

Three steps, each bounded by a partition: lines by `submission_id`, so that each submission counts
once also across overlapping dumps; submissions by `url_key`; then one row per key.
"""
