"""Several processes that train one network, each on its part of every batch; or just one.

    torchrun --nproc-per-node 2 -m train.fit ...
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor

__all__ = ["Processes"]


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

        ``device`` is "cpu", "cuda", or "auto" for a GPU where there is one.
        """
        world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        kind = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
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
