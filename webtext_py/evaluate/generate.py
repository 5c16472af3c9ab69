"""Text after prompts: fixed rows, one key-value cache, prompts that begin alike encoded once."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .rows import Tokens, bucket
from .scorer import Generated, Sampling

if TYPE_CHECKING:
    from .model import ModelScorer

ROWS = {"cpu": 8, "cuda": 64}  # prompts that go on together: our choice, a constant


@dataclass
class _Text:
    """A prompt and what follows it so far."""

    length: int  # tokens of the prompt
    cut: int
    random: random.Random
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    logprob: float = 0.0
    done: bool = False


def generate(scorer: "ModelScorer", prompts: Sequence[str], how: Sampling) -> list[Generated]:
    """What follows each of `prompts`: up to a stop, the end token or `how.tokens` tokens."""
    room = scorer.context - how.tokens
    texts, prefixes = [], []
    for prompt, ids in zip(prompts, scorer.encode(prompts), strict=True):
        tokens = ids or [scorer.start]
        cut = max(0, len(tokens) - room)
        # The prompt itself is the seed, so that it says the same in any company.
        texts.append(_Text(len(tokens) - cut, cut, random.Random(f"{how.seed} {prompt}")))
        prefixes.append(tokens[cut:])
    rows = ROWS[scorer.kind]
    single: dict[int, list[int]] = {}
    groups: list[tuple[list[Tokens], list[_Text]]] = []
    for chain in _chains(prefixes, rows):
        if len(chain) > 1:
            groups.append(([prefixes[chain[-1]]], [texts[i] for i in chain]))
        else:
            single.setdefault(bucket(len(prefixes[chain[0]])), []).append(chain[0])
    for alike in single.values():
        for start in range(0, len(alike), rows):
            some = alike[start : start + rows]
            groups.append(([prefixes[i] for i in some], [texts[i] for i in some]))
    scorer.each(lambda group: _go_on(scorer, *group, how), groups)
    return [Generated(t.text, t.logprob, len(t.tokens), t.cut) for t in texts]


def _chains(prefixes: Sequence[Tokens], rows: int) -> Iterator[list[int]]:
    """Numbers of prompts that follow each other, each the beginning of the next."""
    chain: list[int] = []
    for number, tokens in enumerate(prefixes):
        before = prefixes[chain[-1]] if chain else []
        if chain and (len(chain) == rows or tokens[: len(before)] != before):
            yield chain
            chain = []
        chain.append(number)
    if chain:
        yield chain


@torch.inference_mode()
def _go_on(
    scorer: "ModelScorer", prefixes: Sequence[Tokens], texts: Sequence[_Text], how: Sampling
) -> None:
    """Generates after prompts of one bucket: their own prefixes, or the beginnings of a single one,
    which then is encoded once."""
    rows, width = ROWS[scorer.kind], bucket(max(map(len, prefixes)))
    shared = len(prefixes) < len(texts)
    ids = torch.zeros(1 if shared else rows, width, dtype=torch.long)
    for row, tokens in enumerate(prefixes):
        ids[row, : len(tokens)] = torch.tensor(tokens)
    output = scorer.hidden(ids.to(scorer.device), use_cache=True)
    cache: Any = output.past_key_values
    if shared:
        cache.batch_repeat_interleave(rows)
    empty = rows - len(texts)
    lengths = torch.tensor([t.length for t in texts] + [1] * empty, device=scorer.device)
    row_of = torch.zeros_like(lengths) if shared else torch.arange(rows, device=scorer.device)
    seen = torch.arange(width, device=scorer.device)[None] < lengths[:, None]  # (B, T)
    vectors = output[0][row_of, lengths - 1]
    for step in range(how.tokens):
        fresh = _next(scorer, vectors, texts, how)
        if all(text.done for text in texts) or step + 1 == how.tokens:
            return
        seen = torch.cat([seen, torch.ones_like(seen[:, :1])], 1)
        output = scorer.hidden(
            torch.tensor(fresh + [0] * empty, device=scorer.device)[:, None],
            use_cache=True,
            past_key_values=cache,
            attention_mask=seen.long(),
            position_ids=(lengths + step)[:, None],
        )
        vectors = output[0][:, -1]


def _next(
    scorer: "ModelScorer", vectors: Tensor, texts: Sequence[_Text], how: Sampling
) -> list[int]:
    """Takes the next token of every text that is not done."""
    logprobs = scorer.logits(vectors).log_softmax(-1)
    values, ids = logprobs.topk(how.top_k, dim=-1)
    chosen = []
    for text, likely, best in zip(texts, values.tolist(), ids.tolist(), strict=False):
        weights = torch.tensor(likely, dtype=torch.float64).exp().tolist()
        place = text.random.choices(range(how.top_k), weights)[0] if how.top_k > 1 else 0
        chosen.append(best[place])
        if not text.done:
            text.logprob += likely[place]
            _add(scorer, text, best[place], how)
    return chosen


def _add(scorer: "ModelScorer", text: _Text, token: int, how: Sampling) -> None:
    text.tokens.append(token)
    if token == scorer.tokenizer.eos_token_id:
        text.done = True
        return
    text.text = scorer.tokenizer.decode(text.tokens, clean_up_tokenization_spaces=False)
    ends = [text.text.find(stop) for stop in how.until if stop in text.text]
    if ends:
        text.text, text.done = text.text[: min(ends)], True
