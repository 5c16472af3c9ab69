"""Streams inflated in small steps."""

import gzip
import random

from webtext_py.pages.inflate import Inflater


def test_what_was_used_is_told_exactly_whatever_bounds_the_output() -> None:
    """Also at the end of a stream whose output was bounded before: what follows is not its own."""
    text = random.Random(1).randbytes(20_000).hex().encode()
    stream, behind = gzip.compress(text), b"what follows" * 50
    for most in (500, 8192, 1 << 20):
        inflater, out, place = Inflater(), b"", 0
        while not inflater.eof:
            made, used = inflater.decompress((stream + behind)[place:], most)
            assert len(made) <= most
            out += made
            place += used
        assert (out, place) == (text, len(stream))
