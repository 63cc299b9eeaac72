"""Pose networks that the accelerator runs: hourglasses of the spec, trained as masks or rings, as integers.

They differ from :mod:`train.pose.hourglass`, which is the published network, where silicon does: blocks normalize after
they convolve, a skip adds the smaller scale instead of its own input, and maps are bytes.
"""

import numpy as np
import torch
from torch import Tensor, nn

from spec.block import Stem
from spec.golden import predict
from spec.hourglass import hourglass
from spec.model import Model
from spec.network import Network
from train.deploy.calibration import calibrate
from train.deploy.quantize import quantize
from train.nets.build import trainable
from train.nets.config import ModelConfig
from train.nets.model import ResidualNet
from train.pose.heatmaps import STRIDE, peaks
from train.pose.pckh import pckh
from train.pose.poses import Poses
from train.pose.skeleton import JOINTS

__all__ = ["DeployableHourglass", "deployed", "deployed_score", "pose_network"]


def pose_network(
    name: str, config: ModelConfig, *, side: int, depth: int, iterations: int, stacks: int = 1, shared: bool = False
) -> Network:
    """Network for images of ``side`` pixels, ``config.width`` channels wide; its stem makes cells of the pixels."""
    return hourglass(
        name, image=(side, side, 3), joints=len(JOINTS), width=config.width, depth=depth, iterations=iterations,
        stacks=stacks, shared=shared, stem=Stem(7, STRIDE, 3, config.width), mode=config.mode, density=config.density,
        seed=config.net_seed,
    )


class DeployableHourglass(nn.Module):
    """``network`` with what ``config`` says of its weights, in the form that :mod:`train.pose.learn` takes.

    ``generator`` draws what it learns.
    """

    def __init__(self, network: Network, config: ModelConfig, generator: torch.Generator):
        super().__init__()
        self.net: ResidualNet = trainable(network, config, generator)

    @property
    def cells(self) -> int:
        """Side of a heat map."""
        return self.net.network.layers[-1].out_height

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps (1, B, 16, S/4, S/4), float32, of uint8 ``images`` (B, S, S, 3)."""
        return self.net(images)[None]


def deployed(model: DeployableHourglass, images: np.ndarray, provenance: dict) -> Model:
    """``model`` in integers, its scales by what it stores on ``images``; refuses what these refuse:
    :func:`train.deploy.calibration.calibrate`, :func:`train.deploy.quantize.quantize`.
    """
    model.eval()
    return quantize(model.net, calibrate(model.net, images), provenance)


def deployed_score(model: Model, poses: Poses) -> float:
    """PCKh@0.5 of the integers on ``poses``."""
    maps = np.concatenate(list(predict(model, poses.images)))  # (n, h, w, 16)
    return pckh(peaks(torch.from_numpy(maps).permute(0, 3, 1, 2).int()).numpy(), poses)
