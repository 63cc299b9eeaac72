"""Scales of blocks are brackets: what a block keeps, the block takes that closes the bracket.

    hourglass of depth 2:   down2 (down), down1 (down), middle, up1 (up), up2 (up)
    skip over two blocks:   first (keep), second, third (join)
    strides for max pools:  first (keep, stride 2), middle, last (up)

Any blocks may be in between. Behind the block that takes, the stream has the size and the channels of what was kept.

Ref: Newell et al., Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016, section 3.1.
"""

from collections.abc import Sequence

from spec.layer import Scale
from spec.refusal import Refused
from spec.steps import Step

__all__ = ["check_scales", "check_sizes"]


def check_scales(width: int, blocks: Sequence) -> None:
    """Refuse ``blocks`` behind ``width`` channels if one keeps what no other takes, or takes what none kept or has
    other channels, or is recurrent and does either.

    Raises
    ------
    Refused
        Naming the first such block.
    """
    kept = []
    for block in blocks:
        if block.scale is not Scale.SAME and block.iterations > 1:
            raise Refused(
                f"Block {block.name} has scale {block.scale}, so it cannot be folded over {block.iterations} "
                "iterations; put a recurrent block behind it"
            )
        if block.scale.keeps:
            kept.append((block.name, width))
        elif block.scale.takes:
            if not kept:
                raise Refused(
                    f"Block {block.name} has scale {block.scale}, but no block before it keeps a map for it; give one "
                    f"scale {Scale.DOWN} or {Scale.KEEP}"
                )
            name, channels = kept.pop()
            if block.stride != 1 or not width == channels == block.width:
                raise Refused(
                    f"Block {block.name} of width {block.width} and stride {block.stride} adds {width} channels to "
                    f"what it computes of the {channels} that block {name} kept; make all three {channels}, and the "
                    "stride 1"
                )
        width = block.width
    if kept:
        raise Refused(
            f"Block {kept[-1][0]} keeps a map that no block behind it takes; give one scale {Scale.UP} or {Scale.JOIN}"
        )


def check_sizes(steps: Sequence[Step]) -> None:
    """Refuse ``steps`` if one takes a map and adds another that is not as large, or half as large, rounded up."""
    for step in steps:
        if step.scale.takes:
            added, layer = steps[step.residual].layer, step.layer
            size = layer.out_height, layer.out_width
            wanted = tuple((side + 1) // 2 for side in size) if step.upsampled else size
            if (added.out_height, added.out_width) != wanted:
                raise Refused(
                    f"Layer {layer.name} adds a map of {added.out_height}x{added.out_width} to one of "
                    f"{size[0]}x{size[1]} by scale {step.scale}, which takes {wanted[0]}x{wanted[1]}; change the "
                    "strides in between, or the scale"
                )
