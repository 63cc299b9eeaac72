"""What a cycle was spent on: the first of the causes that applies gets it."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data

from rtl.base.ports import Cause

__all__ = ["Doing", "name_cause"]


class Doing(data.Struct):
    """What goes on in the engine in one cycle."""

    sums: 1  #: A word is in the array.
    waits: 1  #: A run waits to begin.
    full: 1  #: And its weights are there, so it waits for requantizers.
    starved: 1  #: And no masks have arrived that its weights are made of.
    drains: 1  #: Sums leave the array, or a short run is kept apart from its predecessor.
    stores: 1  #: Results are on their way.
    pools: 1
    sends: 1  #: A frame goes to the host.


def name_cause(m: Module, doing: data.View, cause: Signal) -> None:
    """Make ``cause`` the :class:`rtl.base.ports.Cause` of this cycle, in which the engine is ``doing`` that."""
    with m.If(doing.sums):
        m.d.comb += cause.eq(Cause.ARRAY)
    with m.Elif(doing.waits & doing.full):
        m.d.comb += cause.eq(Cause.REQUANTIZE)
    with m.Elif(doing.waits & doing.starved):
        m.d.comb += cause.eq(Cause.MASK_WAIT)
    with m.Elif(doing.waits):
        m.d.comb += cause.eq(Cause.WEIGHT_LOAD)
    with m.Elif(doing.drains):
        m.d.comb += cause.eq(Cause.DRAIN)
    with m.Elif(doing.stores):
        m.d.comb += cause.eq(Cause.REQUANTIZE)
    with m.Elif(doing.pools):
        m.d.comb += cause.eq(Cause.POOL)
    with m.Elif(doing.sends):
        m.d.comb += cause.eq(Cause.HOST)
    with m.Else():
        m.d.comb += cause.eq(Cause.SEQUENCER)
