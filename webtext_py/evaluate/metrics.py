"""Rules that sets are scored by: CoQA's F1, exact match, CBT's choice, first sentences.

SQuAD's normalisation is that of `overlap.scores`. Source of CoQA's: Reddy et al. 2019, section 4.1,
and its evaluation: a turn's F1 is the best over the references, where with several each is left out
in turn and the rest are averaged, so that people and models are held against equally many.
"""

import re
from collections.abc import Sequence

from webtext_py.overlap.scores import squad_exact, squad_f1

# Our list: the words that hold an English sentence together, and those that dialogue begins with.
# The GPT-2 report's is not published.
_WORDS = """
a about after again all also am an and any are as at be because been before being but by can could
did do does doing down each even for from had has have he her here hers herself him himself his
how i if in into is it its just like me more most my myself no nor not now of off on one only or
other our out over own same she should so some such than that the their them then there these they
this those through to too under up us very was we were what when where which while who whom why
will with would you your yours yourself
"""
STOP_WORDS = tuple(_WORDS.split())


def coqa(prediction: str, references: Sequence[str], *, exact: bool = False) -> float:
    """A turn's F1, or exact match, against its references, 0 to 1."""
    score = squad_exact if exact else squad_f1
    if len(references) < 2:
        return score(prediction, list(references))
    left_out = ([*references[:i], *references[i + 1 :]] for i in range(len(references)))
    return sum(score(prediction, others) for others in left_out) / len(references)


_END = re.compile(r"[.!?][\"'\u201d\u2019)]*(?=\s)")


def first_sentences(text: str, most: int) -> str:
    """The first `most` sentences of a text."""
    text = text.strip()
    ends = [found.end() for found in _END.finditer(text)]
    return text if len(ends) < most else text[: ends[most - 1]]
