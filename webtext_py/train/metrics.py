"""What a run says of itself: metrics.jsonl, model FLOPs utilisation, noise scale."""

import json
from pathlib import Path
from typing import Any, TextIO

from webtext_py.engine.commit import write_bytes

# Dense bf16 peak in TFLOP/s, from the makers' data sheets; the first name found in the device's.
PEAKS = {
    "B200": 2250.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "H200": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L40": 181.0,
    "A10": 125.0,
    "L4": 121.0,
    "RTX 4090": 165.0,
}


def peak_tflops(device_name: str) -> float | None:
    """Stated peak of a device by its name; `None` where the table has none."""
    return next((peak for name, peak in PEAKS.items() if name in device_name), None)


class NoiseScale:
    """Gradient noise scale in tokens: the batch size up to which a larger one pays in full.

    From squared gradient norms at two batch sizes, the first micro-batch and the whole batch, both
    averaged over steps before they are divided. Source: McCandlish et al. 2018, appendix A.1.
    """

    DECAY = 0.95  # our choice: an average over some 20 steps

    def __init__(self, state: list[float] | None = None) -> None:
        self.noise, self.signal = (state or [0.0, 0.0])[:2]  # earlier ones kept a third

    def state(self) -> list[float]:
        """What `__init__` takes back."""
        return [self.noise, self.signal]

    def update(self, small: float, small_tokens: int, big: float, big_tokens: int) -> float | None:
        """The scale after a step with gradient norms `small` and `big`.

        `None` with a single micro-batch, or while the noise hides the signal.
        """
        if small_tokens == big_tokens:
            return None
        signal = (big_tokens * big**2 - small_tokens * small**2) / (big_tokens - small_tokens)
        noise = (small**2 - big**2) / (1 / small_tokens - 1 / big_tokens)
        keep = self.DECAY
        self.signal = keep * self.signal + (1 - keep) * signal
        self.noise = keep * self.noise + (1 - keep) * noise
        return self.noise / self.signal if self.noise > 0 and self.signal > 0 else None


def open_metrics(path: Path, step: int) -> TextIO:
    """`metrics.jsonl`, open for more lines; those after `step` go: those steps are done again."""
    kept = [line for line in read_metrics(path) if line["step"] <= step]
    write_bytes(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
    return path.open("a", encoding="utf-8", buffering=1)  # handed to the system line by line


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole lines; a last one cut by a kill is left out."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
