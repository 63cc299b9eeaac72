"""Small parts that a target may map by hand: modules of their own in Verilog, dissolved into nothing else."""

from collections.abc import Mapping
from typing import Protocol

from amaranth.hdl import ClockSignal, Elaboratable, Instance
from amaranth.lib import wiring
from amaranth.lib.wiring import In

__all__ = ["Mapped", "MappedPlatform", "instance_of"]


class MappedPlatform(Protocol):
    """A platform on which parts are instances of modules that it describes elsewhere, by their usual names."""

    mapped: Mapping[str, str]


def instance_of(component: wiring.Component, module: str, *, clocked: bool = True) -> Instance:
    """``component`` as an instance of ``module``, whose ports have the names of its members, and ``clk``."""
    ports = {
        f"{'i' if member.flow == In else 'o'}_{'__'.join(map(str, path))}": value
        for path, member, value in component.signature.flatten(component)
    }
    return Instance(module, **({"i_clk": ClockSignal()} if clocked else {}), **ports)


class Mapped(wiring.Component):
    """A part that :meth:`describe` describes, unless the platform has a module of its name.

    Attributes
    ----------
    module : str
        Name of its Verilog module; "" if it has none because it is not of the usual size.
    clocked : bool
        It has registers, which no reset clears.
    """

    module: str
    clocked = False

    def describe(self) -> Elaboratable:
        """The part, for every target."""
        raise NotImplementedError

    def elaborate(self, platform: MappedPlatform | None):
        name = getattr(platform, "mapped", {}).get(self.module)
        return instance_of(self, name, clocked=self.clocked) if name else self.describe()
