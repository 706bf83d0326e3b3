"""One process or several under torchrun: the same gradients either way.

`DistributedDataParallel` does not synchronise `torch.autograd.grad`, so each network's gradients are averaged here, one
flat all-reduce a network.
"""

import importlib
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from vaegan.machine import devices


def start(device: torch.device) -> None:
    """Join the process group when torchrun started this process; its GPU is chosen first, or all would use one."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if devices.processes() > 1 and not dist.is_initialized():
        # Adam imports this too. Imported after joining, its default arguments hold the group past `stop`, and a thread
        # of the group that frees a tensor while Python ends aborts the process (pytorch/pytorch#190489).
        importlib.import_module("torch.distributed.nn.functional")
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


def stop() -> None:
    """Leave the process group, whose threads end here."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Return this process's number; 0 writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def shard(batch: Tensor) -> Tensor:
    """Return this process's share of a batch that every process can compute."""
    return batch[rank() :: count()]


def average(tensors: Iterable[Tensor]) -> None:
    """Replace tensors by their mean over all processes, through one flat all-reduce."""
    tensors = list(tensors)
    if count() == 1 or not tensors:
        return
    flat = torch.cat([t.detach().float().flatten() for t in tensors])
    dist.all_reduce(flat)
    flat /= count()
    for t, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        t.copy_(part.view_as(t))


def average_statistics(networks: Iterable[nn.Module]) -> None:
    """Average batch norm's running statistics, the only state that differs between processes."""
    average(b for network in networks for b in network.buffers() if b.is_floating_point())


def any_process(flag: bool, device: torch.device) -> bool:
    """Return whether any process says so, the same answer everywhere."""
    if count() == 1:
        return flag
    votes = torch.tensor(float(flag), device=device)
    dist.all_reduce(votes, op=dist.ReduceOp.MAX)
    return bool(votes.item())


def barrier() -> None:
    """Wait for all processes."""
    if dist.is_initialized():
        dist.barrier()
