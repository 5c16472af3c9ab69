"""Byte-level BPE around the core: reading text, vocabulary files, the `tokens/` stage."""
