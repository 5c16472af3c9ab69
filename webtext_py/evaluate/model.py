"""A causal model of `transformers` as a scorer: fixed shapes, shared prefixes encoded once.

Scores do not depend on what else is asked: a row's shape follows from its own length (`rows.py`),
and the vocabulary's scores are worked out for a fixed number of places at a time. Log-probabilities
are in nats, from logits in fp32.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from webtext_py.errors import InputError

from .blocked import block_layers
from .generate import generate
from .items import Ask
from .open_model import context_of, open_causal
from .rows import NODES, Line, Row, Tokens, bucket, rows_of, rows_of_batch
from .scorer import Generated, Rolled, Sampling, Scored
from .spread import Result, Work, spread

BLOCK = 64  # places whose logits are worked out at once: constant, as all shapes are
_CLOSE = 1e-2  # nats: what tells a model that ignores a mask from rounding, in bf16 too

Token = tuple[float, bool, bool]  # log-probability, likeliest, likeliest of those allowed


class ModelScorer:
    """The model in `folder`, on `device` (cpu, cuda or cuda:1) in `dtype` (fp32 or bf16)."""

    def __init__(self, folder: Path, device: str = "cpu", dtype: str = "fp32") -> None:
        kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[dtype]
        self.model, self.tokenizer = open_causal(folder, kind)
        self.model = self.model.to(device).eval()
        self.device, self.kind = device, device.partition(":")[0]
        if (self.kind, dtype) == ("cpu", "fp32"):
            spread(partial(block_layers, rows=NODES["cpu"]), [self.model])
        self.context = context_of(self.model, self.tokenizer)
        self.start = _start(self.tokenizer, folder)
        self._body, self._head = _parts(self.model)
        self.packs = self._obeys_masks()
        self._text: tuple[str, list[int], list[int]] = ("", [], [])  # of `rolling`, the last

    def score(
        self, groups: Sequence[Sequence[Ask]], without: Sequence[str] = ()
    ) -> list[list[Scored]]:
        """As `Scorer.score`."""
        pairs = [pair for group in groups for pair in group]
        split = self.split(pairs)
        lines: list[list[Line]] = []
        cuts: list[int] = []
        for group in groups:
            lines.append([])
            for _ in group:
                tokens, first = split[len(cuts)]
                cut = max(0, len(tokens) - 1 - self.context)
                cuts.append(min(cut, max(0, first - 1)))
                lines[-1].append(Line(len(cuts) - 1, tokens[cut:], max(1, first - cut)))
        rows = [row for group in lines for row in rows_of(group, self.packs)]
        found = self._tokens(rows, self._ids(without))
        made = iter([_scored(found[i], cut, bool(without)) for i, cut in enumerate(cuts)])
        return [[next(made) for _ in group] for group in groups]

    def rolling(self, text: str, part: int = 0, parts: int = 1, stride: int = 0) -> Rolled:
        """As `Scorer.rolling`: the first window begins with the start token, each later one has
        `context` tokens before the last that it predicts."""
        tokens, starts = self._encoded(text)
        lines = list(windows(tokens, self.start, self.context, stride or self.context))
        chosen = range(part * len(lines) // parts, (part + 1) * len(lines) // parts)
        rows = [row for i in chosen for row in rows_of([lines[i][1]], self.packs)]
        found = self._tokens(rows, ())
        places = [p for i in chosen for p in range(lines[i][0], lines[i][0] + len(found[i]))]
        return Rolled([starts[p] for p in places], [t[0] for i in chosen for t in found[i]])

    def generate(self, prompts: Sequence[str], how: Sampling) -> list[Generated]:
        """As `Scorer.generate`."""
        return generate(self, prompts, how)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of texts as prompts have them: with the start token where the tokenizer adds one."""
        return list(self.tokenizer(list(texts))["input_ids"]) if texts else []

    def split(self, pairs: Sequence[Ask]) -> list[tuple[Tokens, int]]:
        """The tokens of each pair, and the number of the first that is the continuation's.

        Spaces at a prefix's end belong to the continuation, as the tokens have it. A token that
        spans both counts as the continuation's. An empty prefix is the start token.
        """
        prefixes = [prefix.rstrip() for prefix, _ in pairs]
        wholes = [p + c if bare else c for (p, c), bare in zip(pairs, prefixes, strict=True)]
        made: list[tuple[Tokens, int]] = []
        for whole, head, bare in zip(
            self.encode(wholes), self.encode(prefixes), prefixes, strict=True
        ):
            if not bare:
                whole = whole if whole[:1] == [self.start] else [self.start, *whole]
                made.append((whole, 1))
                continue
            same = (
                i for i, pair in enumerate(zip(whole, head, strict=False)) if pair[0] != pair[1]
            )
            first = next(same, min(len(head), len(whole) - 1))
            made.append((whole, first) if first else ([self.start, *whole], 1))
        return made

    def hidden(self, ids: Tensor, **how: Any) -> Any:
        """The model's output for `ids` `(B, T)`, logits apart: see `logits`."""
        return self._body(input_ids=ids, **how)

    def logits(self, vectors: Tensor) -> Tensor:
        """Logits in fp32 of vectors `(N, C)` of `hidden`."""
        found: Tensor = self._head(vectors)
        return found.float()

    def each(self, call: Callable[[Work], Result], work: Iterable[Work]) -> list[Result]:
        """What `call` makes of each piece of `work`: side by side on a CPU."""
        return spread(call, work) if self.kind == "cpu" else list(map(call, work))

    def _tokens(self, rows: Sequence[Row], ban: Sequence[int]) -> dict[int, list[Token]]:
        """What each line's tokens got, by the line's number."""
        parts = list(batches(rows, self.kind))
        found: dict[int, list[Token]] = {}
        if not parts:
            return found
        vectors = torch.cat(self.each(self._wanted, parts))
        wanted = [one for batch, _ in parts for row in batch for one in row.wanted]
        targets, starts = [token for _, _, token in wanted], range(0, len(wanted), BLOCK)
        blocks = [(vectors[i : i + BLOCK], targets[i : i + BLOCK]) for i in starts]
        judged = self.each(lambda block: self._judge(*block, ban), blocks)
        for (number, _, _), token in zip(wanted, chain.from_iterable(judged), strict=True):
            found.setdefault(number, []).append(token)
        return found

    @torch.inference_mode()
    def _judge(self, vectors: Tensor, targets: list[int], ban: Sequence[int]) -> list[Token]:
        """What the next tokens got after vectors `(N, C)`, `N` at most `BLOCK`."""
        right = torch.tensor(targets, device=self.device)
        filled = torch.zeros(BLOCK, vectors.size(1), dtype=vectors.dtype, device=vectors.device)
        filled[: len(vectors)] = vectors
        logits = self.logits(filled)[: len(vectors)]
        scores = logits.log_softmax(-1).gather(1, right[:, None])[:, 0].tolist()
        greedy = (logits.argmax(-1) == right).tolist()
        allowed = greedy
        if ban:
            logits[:, list(ban)] = float("-inf")
            allowed = (logits.argmax(-1) == right).tolist()
        return list(zip(scores, greedy, allowed, strict=True))

    @torch.inference_mode()
    def _wanted(self, part: tuple[Sequence[Row], int]) -> Tensor:
        """The vectors `(N, C)` before the wanted tokens of a batch."""
        batch, length = part
        output = self._run(batch, length)
        places = [(r, node) for r, row in enumerate(batch) for _, node, _ in row.wanted]
        at = torch.tensor(places, device=self.device).T
        return output[at[0], at[1]]

    def _run(self, batch: Sequence[Row], length: int) -> Tensor:
        """Vectors `(B, length, C)` of a batch that is filled up with empty rows."""
        size = rows_of_batch(length, self.kind)
        ids = torch.zeros(size, length, dtype=torch.long)
        for r, row in enumerate(batch):
            ids[r, : len(row.tokens)] = torch.tensor(row.tokens)
        how: dict[str, Tensor] = {}
        if not batch[0].is_line:
            positions = torch.zeros_like(ids)
            branches = torch.full_like(ids, -1)
            for r, row in enumerate(batch):
                positions[r, : len(row.tokens)] = torch.tensor(row.positions)
                branches[r, : len(row.tokens)] = torch.tensor(row.branches)
            positions, branches = positions.to(self.device), branches.to(self.device)
            how = {"position_ids": positions, "attention_mask": self._mask(positions, branches)}
        output: Tensor = self.hidden(ids.to(self.device), use_cache=False, **how)[0]
        return output

    def _mask(self, positions: Tensor, branches: Tensor) -> Tensor:
        """`(B, 1, T, T)`, 0 where a node sees another: of the root or its own branch, not later."""
        seen = (branches[:, None, :] == 0) | (branches[:, None, :] == branches[:, :, None])
        seen &= positions[:, None, :] <= positions[:, :, None]
        mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=self.device)
        return mask.masked_fill(~seen, torch.finfo(self.model.dtype).min)[:, None]

    def _encoded(self, text: str) -> tuple[list[int], list[int]]:
        if self._text[0] != text:
            if not self.tokenizer.is_fast:
                raise InputError(
                    "the tokenizer of this folder has no tokenizer.json: texts need it"
                )
            made = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
            self._text = text, made["input_ids"], [first for first, _ in made["offset_mapping"]]
        return self._text[1], self._text[2]

    def _ids(self, words: Sequence[str]) -> list[int]:
        """Ids of those words, with a space before them, that are one token."""
        if not words:
            return []
        made = self.tokenizer([f" {word}" for word in words], add_special_tokens=False)
        return sorted({ids[0] for ids in made["input_ids"] if len(ids) == 1})

    def _obeys_masks(self) -> bool:
        """Whether two branches in one row get the scores that they have alone: a model of another
        kind of attention or position is asked sequence by sequence."""
        some = [(7 * i + 3) % self.model.config.vocab_size for i in range(min(12, self.context))]
        lines = [Line(0, some, len(some) // 2), Line(1, [*some[:4], *some[6:], some[5]], 5)]
        packed = list(rows_of(lines))
        if len(packed) != 1:
            return False
        try:
            together = self._tokens(packed, ())
        except (TypeError, ValueError, RuntimeError):
            return False  # takes no such mask or no positions
        alone = self._tokens(list(rows_of(lines, pack=False)), ())
        pairs = zip(together[0] + together[1], alone[0] + alone[1], strict=True)
        return all(abs(one[0] - other[0]) < _CLOSE for one, other in pairs)


def batches(rows: Sequence[Row], kind: str) -> Iterator[tuple[Sequence[Row], int]]:
    """Rows of one shape together, in the order given, and their length."""

    def shape(row: Row) -> tuple[int, bool]:
        return bucket(len(row.tokens)), row.is_line

    for (length, _), alike in groupby(sorted(rows, key=shape), shape):
        members = list(alike)
        size = rows_of_batch(length, kind)
        for start in range(0, len(members), size):
            yield members[start : start + size], length


def windows(tokens: Tokens, start: int, context: int, stride: int) -> Iterator[tuple[int, Line]]:
    """Windows over a text: the place of the first token that each predicts, and its line."""
    done = 0
    for number in range(-(-max(0, len(tokens) - context) // stride) + bool(tokens)):
        end = min(len(tokens), context if number == 0 else done + stride)
        whole = [start, *tokens[:end]] if number == 0 else tokens[end - context - 1 : end]
        yield done, Line(number, whole, len(whole) - (end - done))
        done = end


def _scored(tokens: Sequence[Token], cut: int, filtered: bool) -> Scored:
    allowed = tuple(token[2] for token in tokens) if filtered else ()
    return Scored(tuple(t[0] for t in tokens), tuple(t[1] for t in tokens), allowed, cut)


def _start(tokenizer: Any, folder: Path) -> int:
    """What stands before a text that has nothing before it."""
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise InputError(f"the tokenizer of `{folder}` has neither a start nor an end token")


@torch.inference_mode()
def _parts(model: Any) -> tuple[Any, nn.Module]:
    """Body and head of a model, so that logits are worked out where they are wanted; where a model
    does more to its logits than its head says, all of it and nothing."""
    head = model.get_output_embeddings()
    ids = torch.arange(1, 5, device=model.device)[None] % model.config.vocab_size
    whole = model(input_ids=ids, use_cache=False).logits
    if not whole.isfinite().all():
        raise InputError("the model's scores are not finite numbers, so its weights are not")
    if head is not None and model.base_model is not model:
        vectors = model.base_model(input_ids=ids, use_cache=False)[0]
        if vectors.size(-1) == head.weight.size(-1) and torch.allclose(
            head(vectors), whole, atol=1e-4, rtol=1e-4
        ):
            return model.base_model, head
    return model, nn.Identity()
