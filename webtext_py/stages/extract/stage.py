"""The stage's declaration, its step and the cut into tasks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from webtext_py.errors import InputError
from webtext_py.layout import DOCUMENTS, GOOD_CAPTURES, url_ends
from webtext_py.ledger import balance, reasons
from webtext_py.pages.containers import Containers
from webtext_py.pages.cut import cut, size_for
from webtext_py.removed_list import removed_list
from webtext_py.stage import Stage
from webtext_py.stages.extract.documents import extract
from webtext_py.text.extract import ExtractSettings
from webtext_py.workspace import Steps, Work


@dataclass(frozen=True)
class Extract(Stage):
    """From the good captures in the containers to documents."""

    containers: Containers
    settings: ExtractSettings

    # Its record names the libraries of the extractor too.
    libraries: tuple[str, ...] = field(init=False)

    name = "extract"
    rules = 6  # parts of at least 128 pages
    after = ("pages",)
    files = (DOCUMENTS, url_ends("extract"))

    def __post_init__(self) -> None:
        """Adds the extractor's libraries."""
        object.__setattr__(self, "libraries", ("unicode", "words", *self.settings.libraries))

    def config(self) -> Mapping[str, Any]:
        """The extractor with its version, and its settings."""
        return {"version": self.settings.named, "settings": asdict(self.settings)}

    def inputs(self, data: Path) -> Mapping[str, Path]:
        """The list of what was removed for good, where there is one."""
        return removed_list(data)

    def body(self, steps: Steps) -> Mapping[str, Any]:
        """Cuts the pages into tasks, then reads them where they lie, extracts, writes."""
        total = steps.counts("pages")["kept"]
        good = steps.before(GOOD_CAPTURES)
        pieces = steps.each("cut", cut, [Work(path) for path in good], [], size=size_for(total))
        containers = self.containers.all(steps.data)
        removed = removed_list(steps.data).values()
        work = [
            Work(containers[file], path, *removed, weight=count, first=first, count=count)
            for path, found in zip(good, pieces.counts("pieces"), strict=True)
            for file, first, count in found
        ]
        options = {"marks": str(steps.work / "at-work")}
        how = {"unit": "pages", "options": options, **self.config()}
        made = steps.each("extract", extract, work, self.files, **how)
        counts = balance("extract", total, made.total("kept"), made.by_name("dropped"))
        return {**counts, "words": made.total("words")}

    def check(self, counts: Mapping[str, Any]) -> None:
        """Raises `InputError` where no document is left."""
        if not counts["kept"]:
            raise InputError(
                f"no document is left: none of {counts['in']} pages gave one ({reasons(counts)})",
                f"check `--min-words` and `--lang`; `{url_ends('extract').glob}` names each page",
            )
