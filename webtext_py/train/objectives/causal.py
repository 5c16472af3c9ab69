"""The next token: GPT-2's objective."""

from torch import Tensor

from .base import Objective


class Causal(Objective):
    """Cross-entropy of each window's tokens 2 to T + 1 given those before them."""

    def forward(self, windows: Tensor, number: int) -> Tensor:
        """Mean loss of windows `(B, T + 1)`, whose last token is only a target."""
        hidden = self.hidden(self.model, windows[:, :-1])
        return self.cross_entropy(self.model, hidden, windows[:, 1:].long())
