"""Pages to text: charset, extraction, the rules for what is no document, and the sandbox.

The entrance is `extract`: `PageExtractor`, or `extract` for one page. Nothing here imports
trafilatura before a sandbox starts; its child does.
"""
