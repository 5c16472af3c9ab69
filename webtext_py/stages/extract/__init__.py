"""Stage 3, extract: from captures to documents.

Takes `pages/good-*.parquet` and the containers that they point into. Gives
`documents/part-*.parquet` and the ledger rows of pages that give no document: not HTML, empty, too
short, a bot wall, an error page, another language than `--lang`, or over a limit of the sandbox.

Memory grows with the pages of one task, a number fixed by the total, and one page's bytes.
"""
