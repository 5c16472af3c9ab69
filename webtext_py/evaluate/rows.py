"""Rows of a batch: token sequences laid out so that what they share is encoded once.

A row is a tree: a root that all its sequences begin with, and a branch for each. With a mask in
which a branch sees the root and itself, and positions that go on from the root's end in every
branch, each sequence gets the scores that it has alone. Lengths are buckets and the rows of a batch
a function of the length, so that no score depends on what stands beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Tokens = Sequence[int]

LONGEST = 4096  # nodes of a row: our choice, a bound of the mask's memory
# Nodes of a batch: more gain nothing on a CPU, and leave more rows empty; a GPU needs many.
# Constants, since shapes decide the last bits of a score.
NODES = {"cpu": 256, "cuda": 32768}
_STEPS = ((128, 4), (256, 8), (512, 16), (LONGEST, 64))  # up to a length, buckets this far apart


def bucket(length: int) -> int:
    """The length that a row of `length` nodes is padded to."""
    step = next((step for most, step in _STEPS if length <= most), _STEPS[-1][1])
    return max(1, -(-length // step)) * step


def rows_of_batch(length: int, kind: str) -> int:
    """How many rows of a bucket's `length` a batch has on a `kind` of device."""
    return max(1, NODES[kind] // length)


@dataclass
class Row:
    """A tree of tokens; `wanted` are the tokens to score."""

    tokens: list[int]
    positions: list[int]
    branches: list[int]  # of each node; 0 is the root
    wanted: list[tuple[int, int, int]] = field(default_factory=list)  # sequence, node, next token

    @property
    def is_line(self) -> bool:
        """Whether nothing branches, so that plain causal attention serves."""
        return not self.branches or self.branches[-1] == self.branches[0]


@dataclass(frozen=True)
class Line:
    """A sequence to score: its tokens from number `first` on, each by those before it."""

    number: int
    tokens: Tokens
    first: int


def rows_of(group: Sequence[Line], pack: bool = True) -> Iterator[Row]:
    """The rows of some sequences: one tree for those that begin alike, where `pack` allows and it
    is shorter than they are alone, else one for each."""
    starts: dict[int, list[Line]] = {}
    for one in group:
        starts.setdefault(one.tokens[0], []).append(one)
    for members in starts.values():
        inputs = [one.tokens[:-1] for one in members]
        root = _shared(inputs)
        nodes = root + sum(len(tokens) - root for tokens in inputs)
        alone = sum(bucket(len(tokens)) for tokens in inputs)
        if pack and len(members) > 1 and nodes <= LONGEST and bucket(nodes) < alone:
            yield _tree(members, root)
        else:
            for one in members:
                yield _tree([one], len(one.tokens) - 1)


def _shared(inputs: Sequence[Tokens]) -> int:
    """How many first tokens all have in common."""
    low, high = min(map(tuple, inputs)), max(map(tuple, inputs))
    return next((i for i, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]),
                min(len(low), len(high)))  # fmt: skip


def _tree(members: Sequence[Line], root: int) -> Row:
    row = Row(list(members[0].tokens[:root]), list(range(root)), [0] * root)
    for branch, one in enumerate(members, 1):
        start = len(row.tokens)
        inputs = one.tokens[root:-1]
        row.tokens += inputs
        row.positions += range(root, root + len(inputs))
        row.branches += [branch] * len(inputs)
        for place in range(one.first, len(one.tokens)):
            node = place - 1 if place - 1 < root else start + place - 1 - root
            row.wanted.append((one.number, node, one.tokens[place]))
    return row
