"""Stage 4, dedup: one document for each text.

Takes `documents/`. Gives `duplicates/part-*.parquet`, where every removed document points at what
it duplicates, and its ledger rows. Exact copies are documents with the same normalised text (the
overlap normaliser's words); near-duplicates are those whose sets of word 5-grams have a Jaccard
similarity of at least `--near-dup`, each pair checked exactly. The survivor has the highest karma,
then the earliest link, then the first key. `docs/dedup.md` has the parameters and what they find.

Memory grows with a partition: about 150 bytes a document, 24 bytes a band row, 200 bytes a document
of its clusters; and 28 bytes a document that has a near-duplicate.
"""
