"""Several processes that train one network, each on its part of every batch; or just one.

    torchrun --nproc-per-node 2 -m train.fit ...
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor

from spec.refusal import Refused

__all__ = ["DEVICES", "Processes", "device_of"]

#: What ``--device`` can be.
DEVICES = ("auto", "cpu", "cuda")


def device_of(name: str) -> torch.device:
    """The device that one of :data:`DEVICES` means; "auto" is a GPU where there is one.

    Raises
    ------
    Refused
        If a GPU is asked for where torch finds none.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise Refused(
            "Option --device cuda needs a GPU, but torch finds none here; give --device cpu, or install a torch and a "
            "driver that go together"
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


@dataclass(frozen=True)
class Processes:
    """This process and its companions.

    Parameters
    ----------
    rank, world : int
        Number of this process, and how many there are.
    device : torch.device
        What this process computes on.
    """

    rank: int
    world: int
    device: torch.device

    @classmethod
    def start(cls, device: str = "auto") -> "Processes":
        """The processes that ``torchrun`` started (it says so in the environment), or this one alone.

        ``device`` is as :func:`device_of` takes it.
        """
        world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        kind = device_of(device).type
        local = int(os.environ.get("LOCAL_RANK", "0"))
        own = torch.device(kind, local) if kind == "cuda" else torch.device(kind)
        if kind == "cuda":
            torch.cuda.set_device(own)
        if world > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if kind == "cuda" else "gloo")
        return cls(rank, world, own)

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def add(self, tensors: Iterable[Tensor]) -> None:
        """Replace every tensor by its sum over all processes, in one exchange per type."""
        if self.world == 1:
            return
        kinds: dict[torch.dtype, list[Tensor]] = {}
        for tensor in tensors:
            kinds.setdefault(tensor.dtype, []).append(tensor)
        for group in kinds.values():
            flat = torch.cat([tensor.flatten() for tensor in group])
            torch.distributed.all_reduce(flat)
            for tensor, part in zip(group, flat.split([tensor.numel() for tensor in group]), strict=True):
                tensor.copy_(part.view_as(tensor))

    def stop(self) -> None:
        """Part from the companions."""
        if self.world > 1:
            torch.distributed.destroy_process_group()
