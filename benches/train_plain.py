"""A plain PyTorch loop, written here for `train_gpu.py` in the way nanoGPT is known to work.

Compiled model, bf16 autocast over fp32 weights, fused AdamW, gradient accumulation, random windows
from a memory-mapped uint16 file, logits and `F.cross_entropy` in full. The model is the plain one
below or, with `folder`, the `GPT` of the `model.py` that lies there.
"""

import importlib.util
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from webtext_py.tokens import TokenSet
from webtext_py.train.config import TrainConfig
from webtext_py.train.metrics import now
from webtext_py.train.optimizer import learning_rate


class PlainBlock(nn.Module):
    """One layer, as any plain GPT-2 in PyTorch has it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """`(B, T, C)` to `(B, T, C)`."""
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln_1(x)).split(C, 2)
        q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(B, T, C))
        result: Tensor = x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))
        return result


class PlainGPT2(nn.Module):
    """The plain model: logits in full, vocabulary padded to 50,304."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        m = config.model
        self.wte = nn.Embedding(-(-m.vocab_size // 64) * 64, m.width)
        self.wpe = nn.Embedding(m.context, m.width)
        self.h = nn.ModuleList(PlainBlock(m.width, m.heads) for _ in range(m.layers))
        self.ln_f = nn.LayerNorm(m.width)
        self.head = nn.Linear(m.width, self.wte.num_embeddings, bias=False)
        self.head.weight = self.wte.weight
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * m.layers) if last else 1))

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of `targets` `(B, T)`."""
        x = self.wte(ids) + self.wpe(torch.arange(ids.size(1), device=ids.device))
        for block in self.h:
            x = block(x)
        logits = self.head(self.ln_f(x))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


def nanogpt(folder: Path, config: TrainConfig) -> nn.Module:
    """nanoGPT's model of the same shape, from its own file."""
    spec = importlib.util.spec_from_file_location("nanogpt_model", folder / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    m = config.model
    rows = -(-m.vocab_size // 64) * 64
    shape = {"n_layer": m.layers, "n_head": m.heads, "n_embd": m.width, "vocab_size": rows}
    model: nn.Module = module.GPT(
        module.GPTConfig(**shape, block_size=m.context, dropout=0.0, bias=True)
    )
    return model


def train_plainly(
    config: TrainConfig, tokens: TokenSet, device: torch.device, scratch: Path, folder: Path | None
) -> dict[str, Any]:
    """Losses and milliseconds of every step; both are read when all steps are done."""
    cuda, o = device.type == "cuda", config.optimizer
    torch.manual_seed(config.run.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    torch.backends.cudnn.allow_tf32 = True
    ids = tokens.head(tokens.tokens, config.model.vocab_size)
    ids.astype(np.uint16).tofile(scratch / "train.bin")
    memory = np.memmap(scratch / "train.bin", np.uint16, "r")
    model: Any = (PlainGPT2(config) if folder is None else nanogpt(folder, config)).to(device)
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": o.decay}, {"params": vectors, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=o.lr, betas=(o.beta1, o.beta2), fused=True)
    if config.run.compile == "on":
        model = torch.compile(model)
    T, B = config.model.context, config.run.micro_batch
    accumulate = config.run.batch_tokens // (T * B)

    def batch() -> tuple[Tensor, Tensor]:
        starts = torch.randint(len(memory) - T - 1, (B,)).tolist()
        rows = [torch.from_numpy(memory[i : i + T + 1].astype(np.int64)) for i in starts]
        both = torch.stack([r[:-1] for r in rows]), torch.stack([r[1:] for r in rows])
        if not cuda:
            return both
        x, y = (part.pin_memory().to(device, non_blocking=True) for part in both)
        return x, y

    cast = torch.autocast(device.type, torch.bfloat16)
    losses: list[Tensor] = []
    x, y = batch()
    moments = [now(device)]
    for step in range(config.run.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(o, step, config.run.steps)
        for _ in range(accumulate):
            with cast:
                made = model(x, y)  # nanoGPT's gives logits and loss
                loss = (made[1] if isinstance(made, tuple) else made) / accumulate
            x, y = batch()  # while the device computes
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), o.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        moments.append(now(device))
        losses.append(loss.detach() * accumulate)  # of the last micro-batch, as that loop logs it
    pairs = itertools.pairwise(moments)
    if cuda:
        torch.cuda.synchronize()
        ms = [a.elapsed_time(b) for a, b in pairs]
    else:
        ms = [1e3 * (b - a) for a, b in pairs]
    return {"losses": [loss.item() for loss in losses], "ms": ms}
