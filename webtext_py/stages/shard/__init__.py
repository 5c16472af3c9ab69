"""Stage 6, shard: the data set.

Takes `documents/` less what dedup and wikipedia removed. Gives `shards/train-*.parquet`,
`validation-*.parquet`, a dataset card and Croissant metadata, and the ledger rows of what is kept.
Drops nothing.

The order is by a keyed hash of `doc_id`, so that any prefix of the shards is a fair sample; the
split too, by another key. Memory grows with one shard's documents.
"""
