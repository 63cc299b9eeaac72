"""Blocks that use the weights of earlier ones: sub-networks that are repeated with batch norms of their own.

    two stacks with the same weights:   a, b, then a2 (weights of a), b2 (weights of b)

A block that does has no masks, signs or places on a ring: its layers use those of the other block's, whatever its
scale, its iterations and the size of its maps are. Entries are its own, and their shifts are the same for all that
share, as they are for the iterations of one block.

Ref: Recurrent Parameter Generators (Wang et al., 2021), section 4 (stacked hourglasses, "CPM" in its Table 4).
"""

from collections.abc import Iterable, Mapping, Sequence

from spec.block import Block
from spec.refusal import Refused

__all__ = ["check_own", "check_sharing", "owners"]


def owners(width: int, blocks: Sequence[Block]) -> dict[str, str]:
    """The layer whose weights each layer uses that has none of its own, by name, of ``blocks`` behind ``width``
    channels.
    """
    found = {}
    for block in blocks:
        if block.weights_of:
            parts = [part.name for part in block.convolutions(width)]
            found |= {f"{block.name}.{part}": f"{block.weights_of}.{part}" for part in parts}
        width = block.width
    return found


def check_sharing(width: int, blocks: Sequence[Block]) -> None:
    """Refuse ``blocks`` behind ``width`` channels if one uses weights that are not there before it, are not the other
    block's own, or have another shape.

    Raises
    ------
    Refused
        Naming the first such block.
    """
    names = [block.name for block in blocks]
    before: dict[str, tuple[Block, dict]] = {}
    for block in blocks:
        shape = _shape(width, block)
        if other := block.weights_of:
            where = f"Block {block.name} uses the weights of block {other!r}"
            if other not in names:
                raise Refused(f"{where}, which there is not; the blocks are {names}")
            if other not in before:
                raise Refused(f"{where}, which does not come before it; let the later one use those of the earlier one")
            original, there = before[other]
            if original.weights_of:
                raise Refused(f"{where}, which uses those of block {original.weights_of!r} itself; name that one")
            for what, value in shape.items():
                if there[what] != value:
                    raise Refused(
                        f"{where}, but has {what} {value}, not {there[what]}; make them the same, or give it weights "
                        "of its own"
                    )
        before[block.name] = (block, shape)
        width = block.width


def check_own(named: Iterable[str], owners: Mapping[str, str], network: str) -> None:
    """Refuse layers that modes or rings of ``network`` name though they have no weights of their own
    (:func:`owners`).

    Raises
    ------
    Refused
        Naming the first.
    """
    for name in named:
        if name in owners:
            raise Refused(
                f"Layer {name} of network {network!r} uses the weights of {owners[name]}, so it has no mode and no "
                "ring of its own; leave it out"
            )


def _shape(width: int, block: Block) -> dict:
    """What must be the same, as words for people."""
    return {
        "kind": str(block.kind), "input channels": width, "width": block.width, "stride": block.stride,
        "wider": block.wider,
    }
