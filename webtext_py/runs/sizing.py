"""What a run without arguments trains, and what that takes of a GPU's memory."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from webtext_py.errors import ConfigError, InputError
from webtext_py.train.config import TrainConfig

from .settings import Settings

BATCHES_AN_EPOCH = 64  # at least, so that a step sees a small part of the text; our choice
MAX_EPOCHS = 8  # repetition pays up to some 4 and hardly beyond 16 (Muennighoff et al. 2023)
SIZES = {"gpt2": 50_000_000, "nano-l": 5_000_000, "nano": 0}  # chosen from so many tokens on
_BY_TOKENS = "number of tokens"  # source of a preset
_FITTED = ("context", "batch_tokens", "steps", "warmup_steps")
LOSS_ROWS = (2**16, 2**15, 2**14, 2**13)  # rows of logits at a time; a CPU takes the last
MARGIN = 2  # times the activations: what the backward pass and the allocator add is not measured


def size(settings: Settings, tokens: int | None, gpu: bool, tell: Callable[[str], None]) -> None:
    """Sets the preset where none is set, by device and training tokens, then fits context, batch,
    steps and warm-up that nobody set to `tokens`; `tell` hears which and why.

    Where `tokens` is `None` it hears which of them hang on that number: the preset is as if there
    were enough.
    """
    if "preset" in settings.values:
        name, source = settings.values["preset"], settings.sources["preset"]
    elif not gpu:
        name, source = "nano", "no GPU"
        tell("preset nano: there is no GPU, and larger ones take days on a CPU")
    else:
        name = next(name for name, least in SIZES.items() if tokens is None or tokens >= least)
        source = _BY_TOKENS
        if name != "gpt2":
            have = f"{tokens:,} training tokens are fewer than the {SIZES['gpt2']:,}"
            tell(f"preset {name}: {have} that gpt2 wants")
    settings.set_preset(name, source)

    def free(key: str) -> bool:
        return settings.sources[key].startswith(("preset", _BY_TOKENS))

    if tokens is None:
        if keys := [key for key in ("preset", *_FITTED) if free(key)]:
            why = "they follow the number of tokens, which are not encoded yet"
            tell(f"{', '.join(keys)} may become smaller: {why}")
        return

    def put(key: str, fitting: int, why: str) -> int:
        now: int = settings.values[key]
        if fitting != now and free(key):
            settings.set(key, fitting, f"shrunk: {why}")
            tell(f"{key} {fitting:,}, not {now:,}: {why}")
        return int(settings.values[key])

    have = f"{tokens:,} training tokens"
    wanted = 1 << max(0, (tokens // BATCHES_AN_EPOCH).bit_length() - 1)  # a power of two
    few = f"{have} are fewer than {BATCHES_AN_EPOCH}"
    context, batch, steps, warmup_steps = (settings.values[key] for key in _FITTED)
    context = put("context", min(context, max(8, wanted)), f"{few} contexts")
    whole = max(1, min(batch, wanted) // context) * context
    why = f"{few} batches" if wanted < batch else f"whole contexts of {context:,}"
    batch = put("batch_tokens", whole, why)
    most = max(1, MAX_EPOCHS * tokens // batch)
    steps = put("steps", min(steps, most), f"{have} would be read more than {MAX_EPOCHS} times")
    put("warmup_steps", min(warmup_steps, steps // 10), f"a tenth of {steps:,} steps")


def state_bytes(config: TrainConfig) -> int:
    """What weights, gradients and moments take: in fp32 the weights, the sum of their gradients and
    two moments (Muon: one, for matrices inside blocks), and what a micro-batch runs and leaves, in
    bf16 a copy and its gradient, in fp32 the gradient."""
    model, n = config.model, config.model.layers
    squares = {"none": 12 * n, "attention": 4 + 8 * n, "mlp": 4 * n + 8, "all": 12}[model.share]
    one_moment = squares * model.width**2 if config.optimizer.optimizer == "muon" else 0
    return 20 * model.parameters(padded=True) - 4 * one_moment


def window_bytes(config: TrainConfig, element: int = 2) -> int:
    """Activations kept for the backward pass of a window, `element` bytes each.

    A layer keeps 16 numbers a token and unit of width: the inputs of both layer norms (1, 1), of
    the four matrices (1, 1, 1, 4), of attention (3) and of the GELU (4). Outside the layers: hidden
    states before and after the last norm, and their gradient.
    """
    model = config.model
    return element * model.context * model.width * (16 * model.layers + 3)


def loss_bytes(config: TrainConfig, rows: int) -> int:
    """Logits and their gradient in bf16 for one chunk of rows, and the embedding's gradient in
    fp32. Without the compiler two more of them, in fp32."""
    element = 12 if config.run.compile == "off" else 4
    vocabulary = config.model.vocabulary(padded=True)
    return vocabulary * (element * rows + 4 * config.model.width)


def fitted(config: TrainConfig, processes: int, gpu_bytes: int | None) -> TrainConfig:
    """The configuration with a micro-batch and rows of the loss for this device.

    Micro-batch: the most windows that divide a process's share of the batch and fit: into nine
    tenths of a GPU's memory, and at most 64 k tokens; on a CPU 1,024 tokens, which its caches hold.
    With `exact` the number of processes plays no part. Raises `ConfigError` where a batch is not
    made of whole micro-batches for each process, with `exact` of a power of two: whole branches
    of the tree.
    """
    run, context = config.run, config.model.context
    sizes = {after - before for before, after in pairwise(config.starts())}
    rows, most, room, window = LOSS_ROWS[-1], 1024 // context, 0, MARGIN * window_bytes(config)
    if gpu_bytes is not None:
        room = int(0.9 * gpu_bytes) - state_bytes(config)
        most = min((room - loss_bytes(config, rows)) // window, 2**16 // context)
    share = min(sizes) if run.exact else max(1, min(sizes) // processes)
    most = max(1, min(most, share))
    micro = run.micro_batch or next(n for n in range(most, 0, -1) if share % n == 0)
    rows = next((n for n in LOSS_ROWS if micro * window + loss_bytes(config, n) <= room), rows)
    hint = "change `micro_batch` or `batch_tokens`"
    for size in sorted(sizes):
        each, rest = divmod(size, micro * processes)
        if rest:
            many = f" for each of {processes} processes" if processes > 1 else ""
            raise ConfigError(f"{size} windows are not whole micro-batches of {micro}{many}", hint)
        if run.exact and processes > 1 and each & (each - 1):
            found = f"a power of two micro-batches a process, not {each}, as of {size} windows"
            raise ConfigError(f"`exact` needs {found}", hint)
    return replace(config, run=replace(run, micro_batch=micro, loss_rows=run.loss_rows or rows))


def out_of_memory(config: TrainConfig, memory: int) -> InputError:
    """What to tell where a device's bytes of memory are too few for this micro-batch."""
    micro, gib = config.run.micro_batch, 2**30
    rest = MARGIN * micro * window_bytes(config) + loss_bytes(config, config.run.loss_rows)
    hint = "pass a smaller `context`, a smaller `--preset` or another device"
    if micro > 1 and state_bytes(config) < memory:
        hint = f"pass `micro_batch={micro // 2}` or less; what else uses the GPU has its share too"
    return InputError(
        f"the device's {memory / gib:.1f} GiB are too few: weights, gradients and moments take "
        f"about {state_bytes(config) / gib:.1f} GiB, a micro-batch of {micro} windows of "
        f"{config.model.context} tokens and its loss about {rest / gib:.1f} GiB",
        hint,
    )
