"""What ran in a data directory: configuration, inputs, outputs, counts, seconds for every stage.

`manifest.json` has one entry a stage. An entry's `key` stands for everything that its outputs
depend on: its own configuration, the number of its rules, the libraries that decide a result, the
content of its inputs and the keys of the stages before it.
Another key is a stale result: it is named with the difference, never silently used.
"""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webtext_py import _core
from webtext_py.digests import STATE
from webtext_py.engine.commit import write_json
from webtext_py.engine.journal import JOURNAL
from webtext_py.errors import InputError, StaleError
from webtext_py.versions import library_version

FORMAT = 1  # of manifest.json
MANIFEST = "manifest.json"
REMOVAL = f"{STATE}/work/remove"  # where a removal prepares what it changes


@dataclass
class Entry:
    """One stage's record."""

    state: str  # running or done
    config: dict[str, Any]
    inputs: dict[str, str]  # name -> digest of the content
    upstream: dict[str, str]  # stage -> its key
    key: str
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)  # path -> bytes, sha256
    counts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    rules: int | None = None  # the stage's number; none where an older webtext left it out
    libraries: dict[str, str] = field(default_factory=dict)  # versions that decide the result

    @classmethod
    def begun(
        cls,
        config: Mapping[str, Any],
        inputs: Mapping[str, str],
        upstream: Mapping[str, str],
        rules: int,
        libraries: Mapping[str, str],
    ) -> "Entry":
        """A running entry with its key."""
        # Through JSON once, so that what is compared later equals what was read back.
        plain: dict[str, Any] = json.loads(json.dumps(config, sort_keys=True))
        parts = {
            "config": plain,
            "inputs": sorted(inputs.items()),
            "upstream": dict(upstream),
            "rules": rules,
            "libraries": dict(libraries),
        }
        key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
        versions = {"webtext": _core.__version__, "python": platform.python_version()}
        versions["pyarrow"] = library_version("pyarrow")
        entry = cls("running", plain, dict(inputs), dict(upstream), key, versions=versions)
        entry.rules, entry.libraries = rules, dict(libraries)
        return entry


class Manifest:
    """`manifest.json` of a data directory, read once and written whole after every change."""

    def __init__(self, data: Path) -> None:
        self.path = data / MANIFEST
        self.stages: dict[str, Entry] = {}
        if (data / REMOVAL / JOURNAL).exists():
            raise InputError(
                f"a removal in `{data}` has begun to change files and is not finished",
                "run `webtext remove` again: it finishes it",
            )
        try:
            document = json.loads(self.path.read_bytes())
            if document["format"] != FORMAT:
                raise InputError(
                    f"`{self.path}` has format {document['format']}; this webtext reads {FORMAT}"
                )
            self.stages = {name: Entry(**entry) for name, entry in document["stages"].items()}
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"`{self.path}` is not a manifest of webtext ({error})",
                "restore it, or build into another directory with `--data`",
            ) from error

    def save(self) -> None:
        """Writes the file so that it appears whole or not at all."""
        write_json(self.path, self.document())

    def document(self) -> dict[str, Any]:
        """What the file holds."""
        stages = {name: vars(entry) for name, entry in self.stages.items()}
        return {"format": FORMAT, "webtext": _core.__version__, "stages": stages}

    def done(self, stage: str) -> Entry | None:
        """The entry of a finished stage, else None."""
        entry = self.stages.get(stage)
        return entry if entry is not None and entry.state == "done" else None

    def need(self, stage: str, command: str) -> Entry:
        """The entry of a finished stage; `InputError` naming the `command` that makes it."""
        entry = self.done(stage)
        if entry is None:
            raise InputError(
                f"`{self.path.parent}` has no finished `{stage}`", f"run `{command}` first"
            )
        return entry


def differences(old: Entry, new: Entry) -> list[str]:
    """What differs between two entries, a line each: `min_karma: 3 -> 5`."""
    lines = []
    if old.rules != new.rules:
        was_rules = "those of an older webtext" if old.rules is None else old.rules
        lines.append(f"rules: {was_rules} -> {new.rules}")
    was, now = _flat(old.config), _flat(new.config)
    was |= {f"version of {name}": v for name, v in old.libraries.items()}
    now |= {f"version of {name}": v for name, v in new.libraries.items()}
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if before != after:
            lines.append(f"{name}: {json.dumps(before)} -> {json.dumps(after)}")
    for name in sorted(old.inputs.keys() | new.inputs.keys()):
        if name not in new.inputs:
            lines.append(f"input `{name}`: no longer given")
        elif name not in old.inputs:
            lines.append(f"input `{name}`: new")
        elif old.inputs[name] != new.inputs[name]:
            lines.append(f"input `{name}`: other content")
    for name in sorted(old.upstream.keys() | new.upstream.keys()):
        if old.upstream.get(name) != new.upstream.get(name):
            lines.append(f"stage `{name}`: redone since")
    return lines


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Groups of values by what they hold, so that a difference shows alone."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        flat |= _flat(value) if isinstance(value, Mapping) else {name: value}
    return flat


def refuse_stale(stage: str, old: Entry, new: Entry) -> StaleError:
    """The error for a result that another run left under another key."""
    state = "was made" if old.state == "done" else "was begun"
    shown = "; ".join(differences(old, new)[:6])
    return StaleError(
        f"`{stage}` {state} from something else: {shown}",
        f"`--force` redoes `{stage}` and what depends on it; `--data DIR` keeps both",
    )


def input_names(paths: Iterable[Path]) -> dict[Path, str]:
    """A short name for each input: the file's own, with as many folders as tell it from others.

    The names stand in the ledger and the manifest, so they leave out where a machine keeps its
    files. They are relative: never the root.
    """
    whole = [path.resolve() for path in paths]
    names: dict[Path, str] = {}
    for path in whole:
        for depth in range(1, len(path.parts)):
            end = path.parts[1:][-depth:]  # below the root
            if all(other == path or other.parts[1:][-depth:] != end for other in whole):
                break
        names[path] = "/".join(end).encode("utf-8", "backslashreplace").decode()
    return names
