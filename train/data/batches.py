"""Training batches: a function of seed and epoch alone, whatever the device, the workers or the processes."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from spec.numerics import PIXEL_MAX
from spec.refusal import Refused
from train.data.augment import DRAWS, Augmentation
from train.data.dataset import Dataset, Images

__all__ = ["Batches"]

#: Images that are shrunk at a time.
_RESIZED = 5000


class Batches:
    """Epochs of batches of the training images of ``dataset``, in random order; the last, incomplete one is dropped.

    Epoch ``e`` is drawn from ``seed`` and ``e`` alone, so a resumed run goes on as if it had never stopped. With
    several processes each gets its equal part of every batch: together they see what one process would see.

    Images in memory are put on ``device`` once and varied there, unless they would take more than half of what is free;
    images in files are decoded by ``workers`` processes ahead of time.

    Parameters
    ----------
    dataset : Dataset
    batch : int
        Images per step, of all processes together.
    seed : int
    augmentation : Augmentation
        Of images in memory.
    device : torch.device
    rank, world : int
        This process, and how many there are.
    workers : int
        Of images in files.

    Raises
    ------
    Refused
        If there are fewer images than a batch, or a batch cannot be shared equally.
    """

    def __init__(
        self, dataset: Dataset, *, batch: int, seed: int, augmentation: Augmentation, device: torch.device,
        rank: int = 0, world: int = 1, workers: int = 0,
    ):
        count = len(dataset.train_images)
        if not 1 <= batch <= count:
            raise Refused(
                f"Setting --batch must be from 1 to {count}, the training images of {dataset.name}, not {batch}"
            )
        if batch % world:
            raise Refused(f"Setting --batch must be a multiple of the {world} processes that share it, not {batch}")
        self.images = dataset.train_images
        self.batch = batch
        self.seed = seed
        self.augmentation = augmentation
        self.device = device
        self.rank = rank
        self.world = world
        self.workers = workers
        in_memory = isinstance(self.images, np.ndarray)
        home = device if in_memory and 2 * self.images.nbytes <= _free(device) else torch.device("cpu")
        self.resident = torch.from_numpy(self.images).to(home) if in_memory else None
        self._small: Tensor | None = None
        coin = torch.Generator().manual_seed(seed)
        self._swapped = torch.rand(count, generator=coin) < 0.5  # in even epochs, where mirrors alternate
        self.labels = torch.from_numpy(dataset.train_labels).to(device)

    def __len__(self) -> int:
        """Steps of an epoch."""
        return len(self.images) // self.batch

    def epoch(self, number: int, first: int = 0, side: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's part of the batches of epoch ``number`` from step ``first`` on: uint8 (B, H, W, C) and int64
        (B,), on the device. Images are first shrunk until their shorter side has ``side`` pixels, if that is given.
        """
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        order = torch.randperm(len(self.images), generator=generator)[: len(self) * self.batch]
        draws = torch.rand((len(order), DRAWS), generator=generator)
        if self.augmentation.alternate:
            draws[:, 2] = (self._swapped[order] != bool(number % 2)).logical_not().float()  # below 0.5: mirrored
        share = self.batch // self.world
        mine = slice(self.rank * share, (self.rank + 1) * share)
        order = order.view(len(self), self.batch)[first:, mine]  # (steps, share)
        draws = draws.view(len(self), self.batch, DRAWS)[first:, mine]
        if self.resident is None:
            yield from self._decoded(order, draws)
            return
        images, vary = self._shrunk(side)
        for chosen, numbers in zip(order.to(images.device), draws.to(images.device), strict=True):
            varied = vary(images[chosen], numbers)
            yield varied.to(self.device, non_blocking=True), self.labels[chosen.to(self.device, non_blocking=True)]

    def _shrunk(self, side: int | None) -> tuple[Tensor, Augmentation]:
        """All images, shrunk to ``side``, and what is done to them; the last size is kept."""
        if side is None:
            return self.resident, self.augmentation
        if self._small is None or min(self._small.shape[1:3]) != side:
            self._small = torch.cat([_resized(part, side) for part in self.resident.split(_RESIZED)])
        return self._small, self.augmentation.shrunk(side / min(self.resident.shape[1:3]))

    def _decoded(self, order: Tensor, draws: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        loader = DataLoader(
            _Decoder(self.images, order.flatten().tolist(), draws.flatten(0, 1).tolist()),
            batch_size=order.shape[1], num_workers=self.workers, pin_memory=self.device.type == "cuda",
        )
        for images, chosen in zip(loader, order.to(self.device), strict=True):
            yield images.to(self.device, non_blocking=True), self.labels[chosen]


def _free(device: torch.device) -> float:
    """Bytes of ``device`` that nothing takes; what a CPU works on is in its memory already."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


def _resized(images: Tensor, side: int) -> Tensor:
    """``images`` (B, H, W, C), the shorter of H and W ``side`` long, by antialiased interpolation, rounded."""
    planes = images.permute(0, 3, 1, 2).float()
    size = [round(length * side / min(images.shape[1:3])) for length in images.shape[1:3]]
    small = functional.interpolate(planes, size=size, mode="bilinear", antialias=True, align_corners=False)
    return small.round().clamp(0, PIXEL_MAX).to(images.dtype).permute(0, 2, 3, 1).contiguous()


class _Decoder(TorchDataset):
    """The images of an epoch in its order, decoded and varied."""

    def __init__(self, images: Images, order: list[int], draws: list[list[float]]):
        self.images = images
        self.order = order
        self.draws = draws

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> Tensor:
        return torch.from_numpy(self.images.cropped(self.order[place], self.draws[place]).copy())
