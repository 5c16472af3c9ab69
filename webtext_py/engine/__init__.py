"""Where tasks run: in this process, in a local pool, on threads, or on a cluster (`choose`).

A stage hands over a list of `Task`s; an `Engine` decides only where each runs. What a task writes
appears by fsync and rename, then its done-marker; a task whose marker is there is not run again.
"""

from webtext_py.engine.local import LocalEngine
from webtext_py.engine.progress import advance
from webtext_py.engine.task import Done, Engine, Listener, Task
from webtext_py.engine.threads import ThreadEngine

__all__ = ["Done", "Engine", "Listener", "LocalEngine", "Task", "ThreadEngine", "advance"]
