"""Scores of a language model on test sets: GPT-2's table, from local files, right to the digit.

`items.py` is what a test set becomes, `forms/` reads the published forms, `protocols.py` says how
an item is asked and judged, `scorer.py` what a model must answer, `model.py` answers with torch.
The extra `webtext[eval]` is needed for the last, and for the metrics of summaries and
translations.
"""
