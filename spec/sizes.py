"""Whether a network is within what this project handles, told from its description alone.

:class:`spec.network.Network` asks before its layers exist, and again when they do, so that whoever holds a network can
take memory for it.
"""

import math
from collections.abc import Sequence

from spec.budgets import Budget
from spec.layer import Layer, Role, Scale
from spec.names import check_name

__all__ = ["check_description", "check_layers"]

#: Layers of a block, at most: a bottleneck with its shortcut.
_LAYERS_OF_BLOCK = 4


def check_description(network) -> None:
    """Refuse names outside the alphabet, and numbers beyond a budget, of what ``network`` is described by.

    Raises
    ------
    Refused
        Naming the first.
    """
    check_name(network.name, "A network")
    where, smaller = f"Network {network.name}", "use a smaller network"
    stem = network.stem
    for size in network.image[:2]:
        Budget.SIDE.check(size + 2 * stem.pad, f"{where}, with padding,", "use smaller images")
    for channels in (network.image[2], stem.width):
        Budget.CHANNELS.check(channels, f"Layer stem of network {network.name}", "use fewer")
    Budget.KERNEL.check(stem.kernel, f"Layer stem of network {network.name}", "use a smaller kernel")
    Budget.CLASSES.check(network.classes, where, "use fewer")
    Budget.BLOCKS.check(len(network.blocks), where, smaller)
    for block in network.blocks:
        check_name(block.name, f"A block of network {network.name}")
        if block.wider != math.inf:  # Which is refused as no factor at all.
            Budget.WIDER.check(block.wider, f"Block {block.name}", "use fewer")
        Budget.CHANNELS.check(block.width, f"Block {block.name}", "use fewer")
        Budget.ITERATIONS.check(block.iterations, f"Block {block.name}", "run it less often")
    pools = sum(block.scale is Scale.DOWN for block in network.blocks)
    executions = sum(block.iterations for block in network.blocks) * _LAYERS_OF_BLOCK + pools
    Budget.STEPS.check(executions, where, "run its blocks less often")


def check_layers(name: str, layers: Sequence[Layer]) -> None:
    """Refuse weights, entries or maps of the network called ``name`` that are beyond a budget.

    Raises
    ------
    Refused
        Naming the first, and its layer if it is one.
    """
    for layer in layers:
        Budget.CHANNELS.check(layer.outputs, f"Layer {layer.name} of network {name}", "use fewer")
        # The maps that the host prepares for the stem, and that the classifier sums, are wide at their input.
        values = layer.positions * max(layer.outputs, layer.inputs if layer.role is Role.STEM else 0)
        if layer.role is not Role.CLASSIFIER:
            Budget.MAP.check(values, f"Layer {layer.name} of network {name}", "use smaller images, strides or widths")
    own = [layer for layer in layers if not layer.owner]
    total = sum(layer.weight_count for layer in own)
    Budget.WEIGHTS.check(total, f"Network {name}", "use a smaller network")
    drawn = sum(layer.weight_count for layer in own if layer.ring)
    Budget.DRAWN.check(drawn, f"Network {name}", "use a smaller network, or give some layers masks")
    entries = sum(layer.outputs * layer.iterations for layer in layers if layer.role is not Role.CLASSIFIER)
    Budget.ENTRIES.check(entries, f"Network {name}", "run its blocks less often, or use a smaller network")
