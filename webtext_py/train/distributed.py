"""Several processes: who is who, and how their gradients are summed.

Each process sums the gradients of its micro-batches in fp32; one sum over all processes closes the
step. `DistributedDataParallel` would do the same through hooks on gradients, but the bf16 copies
that run the model keep none between micro-batches, and one exchange takes milliseconds of a step.

Addition of floats depends on its order: with `exact`, micro-batches are added in a binary tree that
depends on their numbers alone, so 1, 2, 4 ... processes add the same pairs.
"""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from webtext_py.errors import ConfigError


@dataclass(frozen=True)
class World:
    """This process among all."""

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def barrier(self) -> None:
        """Waits for all processes."""
        if self.size > 1:
            dist.barrier()

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor


def join(device: str, exact: bool = False) -> World:
    """Joins the processes of `torchrun`, or stands alone; `device` is auto, cuda or cpu.

    With `exact` this process has one thread, and only kernels that repeat their bits.
    """
    if exact:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("`device` is cuda, but torch finds no GPU", hint="pass `device=cpu`")
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    local = int(os.environ.get("LOCAL_RANK", "0"))
    where = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(where)
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World(0, 1, where)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if cuda else "gloo")
    return World(dist.get_rank(), size, where)


def device_memory(world: World) -> int | None:
    """Bytes of a GPU's memory; `None` on a CPU."""
    if world.device.type != "cuda":
        return None
    return int(torch.cuda.get_device_properties(world.device).total_memory)


def leave() -> None:
    """Ends what `join` began."""
    if dist.is_initialized():
        dist.destroy_process_group()


class GradientSum:
    """Sum of lists of gradients, one list a micro-batch, in fp32 or wider.

    Plain: one running sum. Exact: equal-sized neighbours are added as soon as both are there, as
    a binary counter carries; memory grows with the logarithm of the number of micro-batches.
    """

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.stack: list[tuple[int, list[Tensor]]] = []

    def add(self, gradients: list[Tensor]) -> None:
        """Takes the gradients of the next micro-batch (or of the next aligned block of them)."""
        level = 0
        if self.stack and not self.exact:
            torch._foreach_add_(self.stack[0][1], gradients)
            return
        gradients = [g.float() if g.dtype.itemsize < 4 else g for g in gradients]
        while self.stack and self.stack[-1][0] == level:
            _, left = self.stack.pop()
            torch._foreach_add_(left, gradients)
            gradients, level = left, level + 1
        self.stack.append((level, gradients))

    def total(self) -> list[Tensor]:
        """The sum of all lists; empties the object."""
        _, total = self.stack.pop()
        while self.stack:
            _, left = self.stack.pop()
            torch._foreach_add_(left, total)
            total = left
        return total


def sum_over_processes(gradients: list[Tensor], world: World, exact: bool) -> list[Tensor]:
    """Sum of each gradient over all processes; with `exact` in the tree over their numbers."""
    if world.size == 1:
        return gradients
    flat = torch.cat([g.reshape(-1) for g in gradients])
    if exact:
        parts = [torch.empty_like(flat) for _ in range(world.size)]
        dist.all_gather(parts, flat)
        tree = GradientSum(exact=True)
        for part in parts:
            tree.add([part])
        flat = tree.total()[0]
    else:
        dist.all_reduce(flat)
    pieces = torch.split(flat, [g.numel() for g in gradients])
    return [piece.view_as(g) for piece, g in zip(pieces, gradients, strict=True)]


def micro_batches(windows: int, micro: int, world: World, exact: bool) -> int:
    """Micro-batches of `micro` windows for each process; `ConfigError` where they do not fit.

    With `exact` each process must hold whole branches of the tree: a power of two micro-batches.
    """
    all_of_them, rest = divmod(windows, micro)
    each, left = divmod(all_of_them, world.size)
    hint = "change `micro_batch` or `batch_tokens`"
    if rest or left:
        whole = f"{world.size} processes times whole micro-batches of {micro} windows"
        raise ConfigError(f"a batch of {windows} windows is not {whole}", hint)
    if exact and each & (each - 1) and world.size > 1:
        raise ConfigError(f"`exact` needs a power of two micro-batches a process, not {each}", hint)
    return each
