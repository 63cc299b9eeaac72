"""Who reads what: every execution of every layer, and whose output it takes.

The walk of a residual network stands here once. Whatever runs, exports or places a network goes through its steps.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III; post-activation blocks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from spec.layer import Layer, Role, Scale

__all__ = ["Outputs", "Step", "steps_of"]

_T = TypeVar("_T")


@dataclass(frozen=True)
class Step:
    """One execution of a layer.

    Parameters
    ----------
    layer : Layer
    iteration : int
        Of the recurrent block it is in, 0 outside.
    source : int or None
        Number of the step whose output it reads; None: the image.
    residual : int or None
        Number of the step whose output it adds before it is stored; only of the last layer of a block.
    scale : Scale
        That of its block: in the first step of a block that keeps its source, and in the last of one that takes it.
    """

    layer: Layer
    iteration: int
    source: int | None
    residual: int | None = None
    scale: Scale = Scale.SAME

    @property
    def upsampled(self) -> bool:
        """Whether the residual is half as large, and is added at twice its size (:func:`spec.numerics.upsample`)."""
        return self.scale is Scale.UP

    @property
    def reads(self) -> tuple[int | None, ...]:
        """Whose outputs it takes."""
        return (self.source,) if self.residual is None else (self.source, self.residual)


def steps_of(
    first: Sequence[Layer], blocks: Iterable[tuple[Sequence[Layer], int, Scale]], head: Layer
) -> tuple[Step, ...]:
    """The steps of a network: the layers ``first``, one after another, then ``blocks`` of layers, each so many times,
    then the ``head``.
    """
    steps: list[Step] = []

    def add(layer: Layer, iteration: int, source: int | None, residual: int | None = None, **scale: Scale) -> int:
        steps.append(Step(layer, iteration, source, residual, **scale))
        return len(steps) - 1

    stream = None
    for layer in first:
        stream = add(layer, 0, stream)
    kept = []
    for layers, iterations, scale in blocks:
        for t in range(iterations):
            residual = branch = stream
            if scale.takes:
                branch = kept.pop()
            for layer in layers:
                begins = {"scale": scale} if scale.keeps and layer is layers[0] else {}
                if begins:
                    kept.append(stream)
                if layer.role is Role.POOL:
                    residual = branch = stream = add(layer, t, stream, **begins)
                elif layer.role is Role.SHORTCUT:
                    residual = add(layer, t, stream, **begins)
                elif layer.role is Role.INNER:
                    branch = add(layer, t, branch, **begins)
                else:
                    stream = add(layer, t, branch, residual, **({"scale": scale} if scale.takes else {}))
    add(head, 0, stream)
    return tuple(steps)


class Outputs(Generic[_T]):
    """What steps hand on to later ones: ``for step in steps: source, residual = outputs.take(); ...; outputs.put(x)``.

    An output is let go when the last step that reads it takes it.

    Parameters
    ----------
    steps : sequence of Step
        Taken and put one after another.
    image : T
        What a step without source reads.
    """

    def __init__(self, steps: Sequence[Step], image: _T):
        self._steps = steps
        self._last_reader = {read: number for number, step in enumerate(steps) for read in step.reads}
        self._held: dict[int | None, _T] = {None: image}
        self._number = 0

    def take(self) -> tuple[_T, _T | None]:
        """Source and residual of the present step."""
        step = self._steps[self._number]
        source, residual = self._held[step.source], None if step.residual is None else self._held[step.residual]
        for read in set(step.reads):
            if self._last_reader[read] == self._number:
                del self._held[read]
        return source, residual

    def put(self, output: _T) -> None:
        """The present step gives ``output``; the next one becomes the present one."""
        self._held[self._number] = output
        self._number += 1
