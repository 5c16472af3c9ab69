"""Several processes: who is who, and how their gradients are summed.

By default `DistributedDataParallel` sums over processes while the last micro-batch's backward pass
still runs. Its own way would add bf16 gradients in `.grad`; here a communication hook adds each of
its buckets to the fp32 sum of the micro-batches before, and it is that fp32 sum which travels.

Addition of floats depends on its order: with `exact`, micro-batches are added in a binary tree that
depends on their numbers alone, so 1, 2, 4 ... processes add the same pairs.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch._inductor.config as inductor
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from webtext_py.errors import ConfigError

from .loss import wide


@dataclass(frozen=True)
class World:
    """This process among all; that of rank 0 writes."""

    rank: int
    size: int
    device: torch.device

    def barrier(self) -> None:
        """Waits for all processes."""
        if self.size > 1:
            dist.barrier()

    def sum(self, tensor: Tensor) -> Tensor:
        """Sum over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor


def find_device(name: str) -> torch.device:
    """This process's device; `name` is auto, cuda or cpu."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("`device` is cuda, but torch finds no GPU", hint="pass `device=cpu`")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextlib.contextmanager
def join(name: str, exact: bool = False) -> Iterator[World]:
    """Joins the processes of `torchrun`, or stands alone; `name` as for `find_device`.

    With `exact` this process has one thread, and only kernels that repeat their bits.
    """
    if exact:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        if hasattr(inductor, "deterministic"):  # from torch 2.10 on: no choice by measuring
            inductor.deterministic = True
    device = find_device(name)
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield World(0, 1, device)
        return
    dist.init_process_group("nccl" if cuda else "gloo", device_id=device if cuda else None)
    try:
        yield World(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


class Gradients:
    """Sums a step's gradients over micro-batches and processes, in fp32 or wider.

    Plain: one running sum. Exact: equal-sized neighbours are added as soon as both are there, as
    a binary counter carries; memory grows with the logarithm of the number of micro-batches.
    """

    def __init__(self, model: nn.Module, world: World, exact: bool) -> None:
        """`model` gives the mean loss of a micro-batch: of windows and the first one's number."""
        self.model, self.world, self.exact = model, world, exact
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.stack: list[tuple[int, list[Tensor]]] = []  # sums of 2^n lists, and n
        self.reduced: dict[Tensor, Tensor] = {}
        self.ddp: DistributedDataParallel | None = None
        if world.size > 1 and not exact:
            self.ddp = DistributedDataParallel(model, gradient_as_bucket_view=True)
            self.ddp.register_comm_hook(None, lambda _, bucket: self._reduce(bucket))

    def add(self, gradients: list[Tensor]) -> None:
        """Takes the gradients of the next micro-batch (or of the next aligned block of them)."""
        level = 0
        while self.stack and (self.stack[-1][0] == level or not self.exact):
            _, left = self.stack.pop()
            torch._foreach_add_(left, gradients)
            gradients, level = left, level + 1
        self.stack.append((level, [wide(g) for g in gradients]))

    def added(self) -> list[Tensor]:
        """The sum of all lists that this process took; the next one begins at nothing."""
        _, total = self.stack.pop()
        while self.stack:
            _, left = self.stack.pop()
            torch._foreach_add_(left, total)
            total = left
        return total

    def micro_batch(self, batch: Tensor, number: int, last: bool) -> tuple[Tensor, list[Tensor]]:
        """Loss of a micro-batch and its gradients, which join the sum: good until the next call."""
        alone = self.ddp is None or not last
        with self.ddp.no_sync() if self.ddp and alone else contextlib.nullcontext():
            loss: Tensor = (self.ddp or self.model)(batch, number)
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        for parameter in self.parameters:
            parameter.grad = None
        if alone:
            self.add(gradients)
        return loss.detach(), gradients

    def total(self) -> list[Tensor]:
        """The sum over all micro-batches of all processes; the next step begins at nothing."""
        if self.ddp is not None:
            self.stack.clear()
            return [self.reduced.pop(p) for p in self.parameters]
        total = self.added()
        if self.world.size == 1:
            return total
        flat = parameters_to_vector(total)
        parts = [torch.empty_like(flat) for _ in range(self.world.size)]
        dist.all_gather(parts, flat)
        for part in parts:  # the tree goes on over the processes' numbers
            self.add([part])
        vector_to_parameters(self.added()[0], total)
        return total

    def _reduce(self, bucket: Any) -> torch.futures.Future[Tensor]:
        """Begins the sum over processes of one bucket: everything before plus the last gradients.

        The bucket itself stays as it is: its bf16 would round the sum.
        """
        own, stack = bucket.buffer(), self.stack
        before = dict(zip(self.parameters, stack[0][1], strict=True)) if stack else {}
        latest = dict(zip(bucket.parameters(), bucket.gradients(), strict=True))
        sums = {p: before[p].add_(g) if before else wide(g) for p, g in latest.items()}
        flat = parameters_to_vector(sums.values())
        vector_to_parameters(flat, sums.values())  # now views of what travels
        self.reduced |= sums
        return dist.all_reduce(flat, async_op=True).get_future().then(lambda _: own)
