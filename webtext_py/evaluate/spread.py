"""Batches over the threads of a CPU, each batch on one."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Work = TypeVar("Work")
Result = TypeVar("Result")


def spread(call: Callable[[Work], Result], work: Iterable[Work]) -> list[Result]:
    """What `call` makes of each piece of `work`, in its order, by as many threads as torch has.

    Within a piece torch has one thread. So threads never wait for each other at the end of a layer,
    and how many there are changes no sum.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return list(map(call, work))
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(call, work))
    finally:
        torch.set_num_threads(threads)
