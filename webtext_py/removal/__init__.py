"""`webtext remove`: documents out of a finished build, for good.

The list of what was removed (`removed_list.py`) is an input of the stages that it concerns: a build
that has it makes no document of what it names. A removal leaves what such a build would make, and
makes anew only the files that hold what goes: `asked` reads what was asked for, `find` tells which
documents that is, `promote` runs the filters again on the clusters of near-duplicates concerned,
`rewrite` has the tasks that make each file without them, `fetched` takes pages out of what was
fetched, `entries` brings the manifest up to date, and `run` commits it all together
(`engine/journal.py`).
"""

from webtext_py.removal.asked import Asked, asked_for
from webtext_py.removal.run import remove

__all__ = ["Asked", "asked_for", "remove"]
