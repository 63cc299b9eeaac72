"""Heat maps: a map for each joint, with a Gaussian where it is.

A cell of a map is ``STRIDE`` x ``STRIDE`` pixels; the middle of cell u is at pixel ``STRIDE * u + (STRIDE - 1) / 2``.

Ref: Newell et al., Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016, section 3.2.
"""

import torch
from torch import Tensor

__all__ = ["STRIDE", "heat_loss", "peaks", "targets"]

#: Pixels of the image to a cell of a map: the stem's stride times the pool's.
STRIDE = 4

_MIDDLE = (STRIDE - 1) / 2


def targets(joints: Tensor, cells: int, sigma: float = 1.0) -> Tensor:
    """``exp(-((u - x)**2 + (v - y)**2) / (2 sigma**2))`` for cells u, v: float32 (B, K, cells, cells), rows first.

    ``joints`` (B, K, 2) are x and y in pixels, ``sigma`` is in cells.
    """
    places = (joints - _MIDDLE) / STRIDE  # (B, K, 2), in cells
    squares = (torch.arange(cells, device=joints.device) - places[..., None]) ** 2  # (B, K, 2, cells)
    across, down = torch.exp(squares / (-2 * sigma**2)).unbind(2)
    return down[..., :, None] * across[..., None, :]


def heat_loss(maps: Tensor, wanted: Tensor, annotated: Tensor) -> Tensor:
    """Mean square error of the ``maps`` (T, B, K, h, w) of all T sub-networks, summed over T: a scalar.

    The mean is over the cells of joints that are ``annotated`` (B, K); intermediate supervision is the sum.
    """
    errors = (maps - wanted).square().mean((3, 4))  # (T, B, K)
    return (errors * annotated).sum() / annotated.sum().clamp(min=1)


def peaks(maps: Tensor) -> Tensor:
    """Where every map (B, K, h, w) is highest, in pixels: float32 (B, K, 2), x and y.

    A quarter of a cell is added toward the higher neighbour in either direction, as Newell et al. do; at an edge none.
    """
    height, width = maps.shape[2:]
    flat = maps.flatten(2).argmax(2)  # (B, K)
    found = []
    for place, size, step in ((flat % width, width, 1), (flat // width, height, width)):
        inside = (place > 0) & (place < size - 1)
        around = [maps.flatten(2).gather(2, (flat + side).clamp(0, height * width - 1)[..., None])[..., 0]
                  for side in (step, -step)]
        found.append(place + 0.25 * (around[0] - around[1]).sign() * inside)
    return torch.stack(found, 2).float() * STRIDE + _MIDDLE
