"""Pages to text: charset, extraction, the rules for what is no document, and the sandbox.

The entrance is `extract`: `extract_pages` or `PageExtractor`. Nothing here imports trafilatura
before a sandbox starts; its child does.
"""
