"""Blocks that are there again, with the weights of the first time: at random, and in stacks of hourglasses."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from random import Random

from spec.block import Block, Kind, Stem
from spec.hourglass import hourglass
from spec.network import Network
from spec.supermask import Mode
from spec.topologies import rpg

__all__ = ["repeated", "stacks"]


def repeated(blocks: Sequence[Block], width: int, rng: Random) -> list[Block]:
    """``blocks`` behind ``width`` channels, often with a group of them one to three times more, mostly right behind it;
    recurrent ones then sometimes run more or less often.
    """
    groups = list(_groups(blocks, width))
    if not groups or rng.random() < 0.5:
        return list(blocks)
    first, end = rng.choice([max(groups, key=lambda group: group[1] - group[0]), *groups])
    channels = [width, *(block.width for block in blocks)]
    anywhere = [place for place in range(end, len(channels)) if channels[place] == channels[first]]
    place, as_often = end if rng.random() < 0.6 else rng.choice(anywhere), rng.random() < 0.75
    copies = [
        dataclasses.replace(
            block, name=f"{block.name}r{number}", weights_of=block.name,
            iterations=block.iterations if as_often or block.iterations == 1 else rng.randrange(1, 5),
        )
        for number in range(rng.randint(1, 3)) for block in blocks[first:end]
    ]
    return [*blocks[:place], *copies, *blocks[place:]]


def _groups(blocks: Sequence[Block], width: int) -> Iterator[tuple[int, int]]:
    """First and end of all groups that put out as many channels as they take, and take all maps that they keep."""
    channels = [width, *(block.width for block in blocks)]
    for first, end in itertools.combinations(range(len(channels)), 2):
        changes = [block.scale.keeps - block.scale.takes for block in blocks[first:end]]
        depths = list(itertools.accumulate(changes))
        if channels[first] == channels[end] and min(depths) >= 0 and depths[-1] == 0:
            yield first, end


def stacks() -> tuple[Network, ...]:
    """Hourglasses whose stacks have the same weights: three with masks, two from a ring, and two with a recurrent block
    in the middle.
    """
    common = {"image": (9, 7, 1), "joints": 5, "depth": 2, "shared": True}
    return (
        hourglass("masks", width=12, stacks=3, stem=Stem(3, 1, 1, 8), **common),
        rpg(hourglass("ring", width=12, stacks=2, stem=Stem(3, 1, 1, 8), **common), words=37, planes=3),
        hourglass(
            "recurrent", width=16, stacks=2, iterations=3, kind=Kind.BOTTLENECK, mode=Mode.ONE_OF_FOUR,
            stem=Stem(3, 2, 1, 8), **common
        ),
    )
