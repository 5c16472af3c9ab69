"""The tasks of the stage: items from files, answers from items, results from answers."""

import fcntl
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from webtext_py.errors import InputError
from webtext_py.reader import Passed

from .forms import FORMS, read_form
from .items import Item, read_items, write_lines
from .protocols import PROTOCOLS
from .scorer import Scorer
from .shots import with_shots

if TYPE_CHECKING:
    from .model import ModelScorer

# Characters that a task asks about: our choice. A minute or two of work for GPT-2's smallest size;
# fewer leave more rows of a batch empty.
CHUNK = {"cpu": 1 << 18, "cuda": 1 << 21}


def prepare(
    inputs: Sequence[Path], outputs: Sequence[Path], task: str, form: str | None,
    fields: Mapping[str, str], shots: int, seed: int, device: str,
    pool: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Reads a test set, and the file of its shots, which is input number `pool`; writes items."""
    passed = Passed()
    chosen, items = read_form(inputs[0], task, form, fields, passed)
    protocol = PROTOCOLS[FORMS[chosen].protocol]
    drawn = items if pool is None else read_form(inputs[pool], task, chosen, fields)[1]
    if protocol.way == "rolling":
        shots = 0  # nothing stands before a text
    try:
        asked = with_shots(items, drawn, shots, seed, protocol.between)
    except InputError as error:
        raise InputError(f"task `{task}`: {error}", error.hint) from error
    write_lines(outputs[0], map(asdict, asked))
    sizes = [sum(map(_size, chunk)) for chunk in chunks(asked, protocol.way, CHUNK[device])]
    return {
        "items": len(items),
        "form": chosen,
        "protocol": protocol.name,
        "chunks": sizes or [0],
        "passed": passed.document(),
    }


def _size(item: Item) -> int:
    """Characters to read: a prefix that several continuations have is read once."""
    prefixes = {prefix for prefix, _ in item.asks}
    return sum(map(len, prefixes)) + sum(len(continuation) for _, continuation in item.asks)


def chunks(items: Sequence[Item], way: str, most: int) -> list[list[Item]]:
    """The items of each task, by length, so that few rows of a batch are empty; those that share a
    passage together. A text is cut into parts, each with all of its item."""
    if way == "rolling":
        [item] = items
        return [[item]] * max(1, -(-_size(item) // most))
    groups: dict[str, list[Item]] = {}
    for number, item in enumerate(items):
        groups.setdefault(item.cluster or f"\0{number}", []).append(item)
    made: list[list[Item]] = []
    held = most
    for group in sorted(groups.values(), key=lambda group: max(map(_longest, group))):
        if held >= most:
            made.append([])
            held = 0
        made[-1] += group
        held += sum(map(_size, group))
    return made


def _longest(item: Item) -> int:
    return max(len(prefix) + len(continuation) for prefix, continuation in item.asks)


def answer(
    inputs: Sequence[Path], outputs: Sequence[Path], chunk: int, protocol: str, dtype: str,
    device: str, stride: int,
) -> None:  # fmt: skip
    """Asks the model in a folder about one chunk of items and writes what it answered."""
    how = PROTOCOLS[protocol]
    items = _items(inputs[0], inputs[0].stat().st_mtime_ns)
    parts = chunks(items, how.way, CHUNK[device])
    scorer = _scorer(inputs[1], dtype, device, outputs[0].parent)
    found = ask(scorer, protocol, parts[chunk], (chunk, len(parts)), stride)
    rows = (
        {"id": item.id, "answers": [asdict(one) for one in answers]}
        for item, answers in zip(parts[chunk], found, strict=True)
    )
    write_lines(outputs[0], rows)


def ask(
    scorer: Scorer, protocol: str, items: Sequence[Item], part: tuple[int, int] = (0, 1),
    stride: int = 0,
) -> list[list[Any]]:  # fmt: skip
    """What a scorer answers to items; of a text only part number `part[0]` of `part[1]`."""
    how = PROTOCOLS[protocol]
    if how.way == "score":
        return [list(group) for group in scorer.score([i.asks for i in items], how.without)]
    if how.way == "rolling":
        return [[scorer.rolling(item.asks[0][0], *part, stride)] for item in items]
    assert how.sampling is not None
    prompts = [prompt for item in items for prompt, _ in item.asks]
    made = iter(scorer.generate(prompts, how.sampling))
    return [[next(made) for _ in item.asks] for item in items]


@lru_cache(maxsize=1)
def _items(path: Path, stamp: int) -> list[Item]:
    return read_items(path)


@lru_cache(maxsize=1)
def _scorer(folder: Path, dtype: str, device: str, locks: Path) -> "ModelScorer":
    from .model import ModelScorer

    return ModelScorer(folder, _own_gpu(locks) if device == "cuda" else device, dtype)


_held: list[IO[str]] = []  # locks of this process, until it ends


def _own_gpu(locks: Path) -> str:
    """A GPU that no other process of this stage has; the first where all have one."""
    import torch

    for number in range(torch.cuda.device_count()):
        lock = (locks / f"gpu{number}.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _held.append(lock)
        return f"cuda:{number}"
    return "cuda:0"
