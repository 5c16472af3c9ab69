"""What a model learns, one file an objective: a module that gives the mean loss of windows.

The loop knows none of them; `base.py` says what it asks of each.
"""

from webtext_py.train.config import TrainConfig

from .base import Data, Objective
from .causal import Causal
from .distillation import DistilBert, TinyBert
from .electra import Electra
from .masked import Masked, MaskedAndOrder

__all__ = ["Data", "Objective", "objective_of"]

KINDS: dict[str, type[Objective]] = {
    "causal": Causal,
    "mlm": Masked,
    "albert": MaskedAndOrder,
    "electra": Electra,
    "distilbert": DistilBert,
    "tinybert": TinyBert,
}


def objective_of(config: TrainConfig, data: Data) -> Objective:
    """The objective that `config` names, its weights not yet set.

    Raises `ConfigError` where student and teacher do not go together.
    """
    return KINDS[config.objective.objective](config, data)
