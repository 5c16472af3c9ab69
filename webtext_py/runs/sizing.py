"""What a run without arguments trains: preset, batch and steps that suit the number of tokens."""

from webtext_py.errors import InputError
from webtext_py.train.config import TrainConfig

from .presets import PRESETS
from .settings import Settings

BATCHES_AN_EPOCH = 64  # at least, so that a step sees a small part of the text; our choice
MAX_EPOCHS = 8  # repetition pays up to some 4 and hardly beyond 16 (Muennighoff et al. 2023)
CHUNK_ROWS = 8192  # of `train.loss`, which only imports with torch
_BY_TOKENS = "number of tokens"  # source of a preset
_SHRINKING = ("context", "batch_tokens", "steps", "warmup_steps")


def choose_preset(settings: Settings, tokens: int | None, gpu: bool) -> list[str]:
    """Sets the preset where none is set, by device and training tokens; says which and why.

    `tokens` is `None` where nobody knows their number yet: as if there were enough.
    """
    if "preset" in settings.values:
        settings.set_preset(settings.values["preset"], settings.sources["preset"])
        return []
    if not gpu:
        settings.set_preset("nano", "no GPU")
        return ["preset nano: there is no GPU, and larger ones take days on a CPU"]
    for name in ("gpt2", "nano-l"):
        least = PRESETS[name].min_tokens
        if tokens is None or tokens >= least:
            break
        reason = f"{tokens:,} training tokens are fewer than the {least:,} that {name} wants"
    else:
        name = "nano"
    settings.set_preset(name, _BY_TOKENS)
    return [] if name == "gpt2" else [f"preset {name}: {reason}"]


def fit(settings: Settings, tokens: int | None) -> list[str]:
    """Shrinks context, batch, steps and warm-up that nobody set to `tokens`; says which and why.

    Where `tokens` is `None` it says which of them hang on that number.
    """
    notes: list[str] = []

    def free(key: str) -> bool:
        source = settings.sources.get(key, "default")
        return source.startswith("preset") or source in ("default", _BY_TOKENS)

    if tokens is None:
        keys = [key for key in ("preset", *_SHRINKING) if free(key)]
        why = "may become smaller: they follow the number of tokens, which are not encoded yet"
        return [f"{', '.join(keys)} {why}"] if keys else []

    def lower(key: str, value: int, why: str) -> None:
        now = settings.values[key]
        if value < now and free(key):
            settings.set(key, value, f"shrunk: {why}")
            notes.append(f"{key} {value:,}, not {now:,}: {why}")

    have = f"{tokens:,} training tokens"
    wanted = _power_of_two(tokens // BATCHES_AN_EPOCH)
    lower("context", max(8, wanted), f"{have} are fewer than {BATCHES_AN_EPOCH} contexts")
    context = settings.values["context"]
    fitting = max(context, wanted // context * context)
    lower("batch_tokens", fitting, f"{have} are fewer than {BATCHES_AN_EPOCH} batches")
    batch = settings.values["batch_tokens"]
    if batch % context and free("batch_tokens"):
        whole = max(1, batch // context) * context
        settings.set("batch_tokens", whole, "multiple of the context")
        notes.append(f"batch_tokens {whole:,}, not {batch:,}: whole contexts of {context:,}")
        batch = whole
    most = max(1, MAX_EPOCHS * tokens // batch)
    lower("steps", most, f"{have} would be read more than {MAX_EPOCHS} times")
    steps = settings.values["steps"]
    lower("warmup_steps", steps // 10, f"a tenth of {steps:,} steps")
    return notes


def state_bytes(config: TrainConfig) -> int:
    """What the weights take on a GPU: in fp32 they, their gradient sum and two moments, and in bf16
    a copy and its gradient."""
    return 20 * config.model.parameters()


def window_bytes(config: TrainConfig) -> int:
    """What a window of a micro-batch takes on a GPU: bf16 activations, some 34 bytes a token, layer
    and unit of width (Korthikanti et al. 2022, equation 2, without attention's scores)."""
    model = config.model
    return 34 * model.context * model.layers * model.width


def loss_bytes(config: TrainConfig) -> int:
    """What the loss takes on a GPU whatever the micro-batch: logits of one chunk of rows, twice in
    fp32 and once in bf16, and the embedding's gradient in fp32."""
    return (
        10 * CHUNK_ROWS * config.model.vocab_size + 4 * config.model.vocab_size * config.model.width
    )


def micro_batch(config: TrainConfig, processes: int, gpu_bytes: int | None) -> int:
    """Windows at a time: the most that divide a process's share of the batch and fit.

    A GPU gets what nine tenths of its memory hold if a window takes twice the estimate above, which
    nobody has measured yet, and at most 64 k tokens; a CPU 1,024 tokens, which its caches hold.
    With `exact` the number of processes plays no part.
    """
    context = config.model.context
    fitting = 1024 // context
    if gpu_bytes is not None:
        room = int(0.9 * gpu_bytes) - state_bytes(config) - loss_bytes(config)
        fitting = min(room // (2 * window_bytes(config)), 2**16 // context)
    windows = config.run.batch_tokens // context
    share = windows if config.run.exact else max(1, windows // processes)
    most = max(1, min(fitting, share))
    return next(n for n in range(most, 0, -1) if share % n == 0)


def out_of_memory(config: TrainConfig, gpu_bytes: int) -> InputError:
    """What to tell where a GPU ran out of memory with this micro-batch."""
    micro, state = config.run.micro_batch, state_bytes(config)
    rest = micro * window_bytes(config) + loss_bytes(config)
    if micro > 1:
        hint = f"pass `micro_batch={micro // 2}` or less; what else uses the GPU has its share too"
    else:
        hint = "pass a smaller `context`, a smaller `--preset` or another GPU"
    return InputError(
        f"the GPU's {gpu_bytes / 2**30:.1f} GiB are too few: weights, gradients and moments take "
        f"about {state / 2**30:.1f} GiB, a micro-batch of {micro} windows of "
        f"{config.model.context} tokens and its loss about {rest / 2**30:.1f} GiB",
        hint,
    )


def _power_of_two(n: int) -> int:
    return 1 << (n.bit_length() - 1) if n > 0 else 0
