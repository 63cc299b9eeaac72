"""Hourglass networks: they look at an image at all scales and say where things are, a map for each.

    stem, enter:   to the width, half the size or a quarter of it
    stack:         hourglass, features; behind all stacks a map for each joint
    hourglass d:   skip_d(x) + up(back_d(hourglass d-1(down_d(pool(x))))), whose middle (d = 0) is a block

Blocks are post-activation ones, as the accelerator executes them; a skip adds the smaller scale instead of its own
input. The middle may be recurrent. From one stack to the next leads the sum of what goes in and what comes out.
Stacks that share weights are all alike: the first one, too, begins with a block that keeps its input, and ends with the
sum.

Ref: Newell et al., Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016, section 3.1.
"""

from spec.block import Block, Kind, Stem
from spec.layer import Scale
from spec.network import Head, Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.topologies import network_of_parts

__all__ = ["hourglass"]


def hourglass(
    name: str,
    *,
    image: tuple[int, int, int],
    joints: int,
    width: int,
    depth: int,
    stacks: int = 1,
    shared: bool = False,
    iterations: int = 1,
    stem: Stem | None = None,
    kind: Kind = Kind.BASIC,
    mode: Mode = Mode.ANY,
    density: float = 0.3,
    seed: int = 0,
) -> Network:
    """Hourglass network of ``width`` channels that halves ``depth`` times and gives a map for each of ``joints``.

    Parameters
    ----------
    stacks : int
        Hourglasses behind one another.
    shared : bool
        They have the same weights, each with batch norms of its own; otherwise each has weights of its own.
    iterations : int
        Of the block in the middle of each.
    stem : Stem, optional
        By default 7x7 with stride 2, of ``width`` channels: maps are half as large as images.
    kind, mode, density, seed
        As of :func:`spec.topologies.residual_network`.

    Raises
    ------
    Refused
        If there is no such network.
    """
    if min(depth, stacks) < 1:
        raise Refused(f"Hourglasses need a depth and stacks of at least 1, not {depth!r} and {stacks!r}")
    blocks = [Block("enter", width, kind=kind)]

    for number in range(1, stacks + 1):
        alike = shared or number > 1

        def add(part: str, scale: Scale = Scale.SAME, runs: int = 1, number: int = number) -> None:
            weights = f"stack1.{part}" if shared and number > 1 else ""
            blocks.append(Block(f"stack{number}.{part}", width, 1, runs, kind, scale=scale, weights_of=weights))

        if alike:
            add("begin", Scale.KEEP)
        for level in range(depth, 0, -1):
            add(f"down{level}", Scale.DOWN)
        add("middle", runs=iterations)
        for level in range(1, depth + 1):
            add(f"back{level}")
            add(f"skip{level}", Scale.UP)
        add("features")
        if alike:
            add("join", Scale.JOIN)
    stem = stem or Stem(7, 2, 3, width)
    return network_of_parts(name, image, stem, blocks, joints, mode, density, seed, head=Head.MAPS)
