"""How much of a test set is in the training text, where, and whether it changes the score.

`build_index`, `Index`, `check_index`, `merge_indexes`: the n-gram Bloom filter of a training text.
`Layout`, `Answer`, `find_evidence`: exact n-grams of test sets and their places in training text.
`overlap`: all of it, with reports, as the command does.
"""

from webtext_py.overlap.evidence import Evidence, Stretch, find_evidence
from webtext_py.overlap.index import (
    Index,
    IndexConfig,
    build_index,
    check_index,
    merge_indexes,
)
from webtext_py.overlap.report import Answer, Layout, SetReport
from webtext_py.overlap.run import Outcome, OverlapConfig, overlap
from webtext_py.overlap.scores import Scores, compare, read_scores, squad_exact, squad_f1
from webtext_py.overlap.testsets import Example, TestSet, find_test_sets, read_test_set
from webtext_py.overlap.training import TrainingText

__all__ = [
    "Answer",
    "Evidence",
    "Example",
    "Index",
    "IndexConfig",
    "Layout",
    "Outcome",
    "OverlapConfig",
    "Scores",
    "SetReport",
    "Stretch",
    "TestSet",
    "TrainingText",
    "build_index",
    "check_index",
    "compare",
    "find_evidence",
    "find_test_sets",
    "merge_indexes",
    "overlap",
    "read_scores",
    "read_test_set",
    "squad_exact",
    "squad_f1",
]
