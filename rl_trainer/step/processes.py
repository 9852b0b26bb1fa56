# pyright: basic, reportMissingImports=false
# torch comes with the extra `train`; checking must work without it.
"""Several processes as one trainer: who they are, and FSDP2 over them. Everything works with one process, too."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from rl_trainer.errors import RecipeWrong
from rl_trainer.model.adapters import base_of

T = TypeVar("T")


@contextmanager
def open_processes() -> Iterator[None]:
    """Join the processes that torchrun started (gloo on the CPU, NCCL on GPUs); alone, nothing happens."""
    if "WORLD_SIZE" not in os.environ or dist.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def gathered(value: T) -> list[T]:
    """Every process' value, in the order of their ranks; on all of them."""
    if world() == 1:
        return [value]
    out: list[Any] = [None] * world()
    dist.all_gather_object(out, value)
    return out


def from_first(value: T) -> T:
    """The first process' value, on all of them: what only one may draw, read or roll out."""
    if world() == 1:
        return value
    out = [value]
    dist.broadcast_object_list(out, src=0)
    return out[0]


def own_share(items: Sequence[T]) -> list[tuple[T, bool]]:
    """This process' items, and whether each counts.

    All have equally many, since they meet at every layer; who is short repeats one that does not count.
    """
    own = [(item, True) for item in items[rank() :: world()]]
    return own + [(items[0], False)] * (-(-len(items) // world()) - len(own))


def shard(scorer: Any) -> None:
    """FSDP2: each process keeps a share of every weight, and sees a layer whole while it works in it.

    Raises:
        RecipeWrong: there is no process group.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    if not dist.is_initialized():
        raise RecipeWrong("step.fsdp is set, but torchrun did not start this process: torchrun --nproc-per-node N ...")
    device = next(scorer.parameters()).device.type
    mesh = init_device_mesh(device, (world(),))
    for layer in base_of(scorer.model).base_model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(scorer, mesh=mesh)


def whole(value: Any) -> Any:
    """A sharded tensor, gathered from all processes (all must ask); anything else as it is."""
    return value.full_tensor() if hasattr(value, "full_tensor") else value


def like(value: Any, weight: Any) -> Any:
    """A whole tensor, sharded as the weight is, where it is one of the weight's shape."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    if not isinstance(weight, DTensor) or not torch.is_tensor(value) or value.shape != weight.shape:
        return value
    return distribute_tensor(value.to(weight.device), weight.device_mesh, weight.placements)
