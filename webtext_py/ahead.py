"""Items made by a thread before their use, so that reading and work overlap."""

import queue
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
_END = object()


class Ahead(Generic[Item]):
    """The items of an iterator, at most `length` of them made before their use.

    The thread begins at once. What the iterator raises is raised where the items are taken.
    """

    def __init__(self, items: Iterator[Item], length: int = 1) -> None:
        self._ready: queue.Queue[Any] = queue.Queue(length)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(
            target=self._read, args=(items,), name="webtext-ahead", daemon=True
        )
        self._thread.start()

    def _read(self, items: Iterator[Item]) -> None:
        try:
            for item in items:
                if not self._put(item):
                    return
        except BaseException as error:
            self._error = error
        self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[Item]:
        while (item := self._ready.get()) is not _END:
            yield item
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        self._thread.join()


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, the next one being made by a thread while one is worked on."""
    with closing(Ahead(items)) as made:
        yield from made
