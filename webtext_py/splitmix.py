"""SplitMix64: numbers that look random, the same on every machine and in every version.

Source: Steele et al. 2014. NumPy's own generators may change.
"""

import numpy as np
import numpy.typing as npt


def mixed(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output for each number of `x`; sums and products wrap around."""
    z = x * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def permutation(n: int, *key: int) -> npt.NDArray[np.int64]:
    """A permutation of `range(n)` fixed by `key`, the same on every machine and in every version.

    The order of SplitMix64's outputs.
    """
    state = 0
    for part in key:
        state = int(mixed(np.array([(state + part + 1) % 2**64], np.uint64))[0])
    return np.argsort(mixed(np.arange(n, dtype=np.uint64) + np.uint64(state)), kind="stable")
