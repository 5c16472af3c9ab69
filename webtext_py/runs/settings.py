"""Settings from presets, TOML, `key=value` and options, and where each came from.

Names are unique over all sections, so `lr=3e-4` and `optimizer.lr=3e-4` are one setting.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from webtext_py.errors import ConfigError
from webtext_py.settings_file import unknown
from webtext_py.train.config import SECTIONS, TrainConfig, check

from .presets import PRESETS

KEYS: dict[str, str] = {f.name: s for s, c in SECTIONS.items() for f in dataclasses.fields(c)}
# What a resumed run may do otherwise than before: nothing that changes a weight.
MAY_CHANGE = {"device", "compile", "log_windows", "tensorboard", "peak_tflops", "eval_every"}
MAY_CHANGE |= {"eval_tokens", "checkpoint_every", "keep"}

# What nanoGPT and `transformers` call these settings.
_NAMES = {
    "lr": "learning_rate max_lr peak_lr",
    "layers": "n_layer num_layers num_hidden_layers depth",
    "heads": "n_head num_heads num_attention_heads",
    "width": "n_embd hidden_size d_model embed_dim",
    "context": "block_size seq_len max_length n_positions n_ctx",
    "steps": "max_iters max_steps iterations num_train_steps",
    "decay": "weight_decay wd",
    "clip": "grad_clip max_grad_norm",
    "warmup_steps": "warmup_iters warmup",
    "eval_every": "eval_interval eval_steps",
    "checkpoint_every": "save_steps save_interval",
    "precision": "dtype bf16 fp16",
}
ELSEWHERE = {theirs: ours for ours, names in _NAMES.items() for theirs in names.split()}


class Settings:
    """Values and where each came from; a later source wins over an earlier one."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}

    def set(self, key: str, value: Any, source: str) -> None:
        """Sets one key, `lr` or `optimizer.lr`; raises `ConfigError` for a key or type unknown."""
        section, _, name = key.rpartition(".")
        if KEYS.get(name) != (section or KEYS.get(name)) or name not in KEYS:
            known = [*KEYS, *(f"{s}.{k}" for k, s in KEYS.items())]
            meant = name if name in KEYS else ELSEWHERE.get(name)
            if meant and section:
                meant = f"{KEYS[meant]}.{meant}"
            raise unknown(key, known, source, meant=meant)
        found = f"`{name}` is {value!r} ({source})"
        value = check(name, value, found)
        if name == "preset" and value not in PRESETS:
            raise ConfigError(f"{found}, expected one of {', '.join(PRESETS)}")
        self.values[name], self.sources[name] = value, source

    def set_preset(self, name: str, source: str) -> None:
        """Sets what the preset `name` stands for, wherever nothing else has been set."""
        self.set("preset", name, source)
        for key, value in vars(PRESETS[name]).items():
            if key in KEYS and key not in self.values:
                self.set(key, value, f"preset {name}")

    def update(self, table: Mapping[str, Any], source: str) -> None:
        """Sets every value of a TOML table or of a recorded configuration."""
        for key, value in table.items():
            if isinstance(value, Mapping):
                self.update({f"{key}.{k}": v for k, v in value.items()}, source)
            else:
                self.set(key, value, source)

    def follow(self, given: Mapping[str, Any], where: str, source: str) -> None:
        """Sets what is given; raises `ConfigError` where something else was asked for by name."""
        for key, value in given.items():
            if (asked := self.values.get(key, value)) != value:
                raise ConfigError(
                    f"`{key}` is {asked} ({self.sources[key]}), but {value} in {where}",
                    hint=f"leave `{key}` out: it is what that has",
                )
            self.set(key, value, source)

    def config(self) -> TrainConfig:
        """The configuration; raises `ConfigError` where values contradict each other."""
        parts: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for key, value in self.values.items():
            parts[KEYS[key]][key] = value
        return TrainConfig(**{section: SECTIONS[section](**p) for section, p in parts.items()})

    def rows(self) -> Iterable[tuple[str, Any, str]]:
        """`(section.key, value, source)` of every setting, for `--show-config`."""
        for section, values in dataclasses.asdict(self.config()).items():
            for key, value in values.items():
                yield f"{section}.{key}", value, self.sources.get(key, "default")
