"""Stage 4, dedup: one document for each text.

Takes `documents/`. Gives `duplicates/part-*.parquet`, where every removed document points at what
it duplicates, and its ledger rows. Exact copies are documents with the same normalised text (the
overlap normaliser's words). The survivor has the highest karma, then the earliest link, then the
first key.

Memory grows with a partition's documents, about 150 bytes each.
"""

from webtext_py.stages.dedup.stage import FILES, run_dedup

__all__ = ["FILES", "run_dedup"]
