"""The stage's declaration, its step and the cut into tasks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from webtext_py.errors import InputError
from webtext_py.layout import DOCUMENTS, GOOD, url_ends
from webtext_py.ledger import balance, reasons
from webtext_py.pages.containers import Containers
from webtext_py.stage import Stage
from webtext_py.stages.extract.documents import extract
from webtext_py.text.extract import ExtractSettings
from webtext_py.workspace import Steps, Work

# Our choice: small enough that workers share a small build, large enough that a large one does not
# leave a million files.
_LEAST, _MOST, _TASKS = 32, 4096, 256


@dataclass(frozen=True)
class Extract(Stage):
    """From the good captures in the containers to documents."""

    containers: Containers
    settings: ExtractSettings

    name = "extract"
    rules = 2
    after = ("pages",)
    files = (DOCUMENTS, url_ends("extract"))
    libraries = ("trafilatura", "lxml", "htmldate", "py3langid", "resiliparse", "unicode", "words")

    def config(self) -> Mapping[str, Any]:
        """The extractor's settings."""
        return {"settings": asdict(self.settings)}

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """One step: pages read where they lie, extracted, written."""
        found: dict[str, int] = steps.counts("pages")["containers"]
        shared = steps.counts("pages")["shared"]
        total = sum(found.values())
        size = max(_LEAST, min(_MOST, -(-total // _TASKS)))
        containers = self.containers.all(steps.data)
        good = steps.before(GOOD)
        work = []
        for file, count in sorted(found.items()):
            # Pages that share a member are read in one pass over it, not in one for each task.
            step = count if file in shared else size
            work += [
                Work(
                    containers[file],
                    *good,
                    weight=min(step, count - first),
                    file=file,
                    first=first,
                    count=min(step, count - first),
                )
                for first in range(0, count, step)
            ]
        made = steps.each(
            "extract",
            extract,
            work,
            [DOCUMENTS, url_ends("extract")],
            unit="pages",
            settings=asdict(self.settings),
        )
        counts = balance("extract", total, made.total("kept"), made.by_name("dropped"))
        return {**counts, "words": made.total("words")}

    def check(self, counts: Mapping[str, Any]) -> None:
        """Raises `InputError` where no document is left."""
        if not counts["kept"]:
            raise InputError(
                f"no document is left: none of {counts['in']} pages gave one ({reasons(counts)})",
                f"check `--min-words` and `--lang`; `{url_ends('extract').glob}` names each page",
            )
