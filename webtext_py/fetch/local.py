"""Which links a local archive has a good page for, so that nobody is asked for it.

Memory grows with the captures of the archives: one key each.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from webtext_py.pages.archive import list_containers, scan_container
from webtext_py.url.key import url_key

__all__ = ["covered_by"]

_REDIRECTS = 10


def covered_by(paths: Iterable[Path]) -> Callable[[str], bool]:
    """Says of a key whether the containers at `paths` lead to a good capture from it."""
    good: set[str] = set()
    onward: dict[str, str] = {}
    for container in list_containers([str(path) for path in paths]):
        for capture in scan_container(container):
            key = url_key(capture.url)
            if key is None:
                continue
            if capture.outcome in ("good", "revisit"):
                good.add(key)
            elif capture.outcome == "redirect" and capture.redirect_to is not None:
                target = url_key(capture.redirect_to)
                if target is not None:
                    onward[key] = target

    def covered(key: str) -> bool:
        for _ in range(_REDIRECTS + 1):
            if key in good:
                return True
            if key not in onward:
                return False
            key = onward[key]
        return False

    return covered
