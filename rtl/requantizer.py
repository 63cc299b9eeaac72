"""Turns accumulators into stored activations: scale, bias, residual, one rounding, saturation."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spec.numerics import (
    ACTIVATION_BITS,
    ACTIVATION_BITS_MIN,
    BIAS_BITS,
    MASK_WIDTHS,
    MULTIPLIER_BITS,
    Widths,
    output_range,
)

__all__ = ["Entry", "Requantizer"]


class Entry(data.Struct):
    """Batch-norm entry of one channel and iteration."""

    multiplier: signed(MULTIPLIER_BITS)
    bias: signed(BIAS_BITS)


class Requantizer(wiring.Component):
    """:func:`spec.numerics.requantize` on one row: ``y = clamp((z + (1 << (sh-1))) >> sh)`` with
    ``z = acc*M + (B << bsh) + (r << (sh+rsh))``.

    ``z`` is kept modulo ``2**widths.z``; the exporter proves that it fits. Latency :data:`LATENCY` cycles, throughput
    one result per cycle, no stall. The shifts and ranges must not change while results are in flight.

    Parameters
    ----------
    widths : Widths

    Members
    -------
    acc : In(signed(widths.acc))
    entry : In(Entry)
    residual : In(8)
        Byte of the residual word; ignored unless ``add_residual``.
    add_residual, residual_signed, output_signed : In(1)
    unused_bits : In(3)
        8 less the bits of an activation; at most 4.
    shift, bias_shift, residual_shift : In(5)
        ``sh``, ``bsh``, ``sh + rsh``.
    y : Out(8)
    """

    #: Cycles from ``acc`` to ``y``.
    LATENCY = 4

    def __init__(self, widths: Widths = MASK_WIDTHS):
        self.widths = widths
        super().__init__({
            "acc": In(signed(widths.acc)),
            "entry": In(Entry),
            "residual": In(8),
            "add_residual": In(1),
            "residual_signed": In(1),
            "output_signed": In(1),
            "unused_bits": In(3),
            "shift": In(5),
            "bias_shift": In(5),
            "residual_shift": In(5),
            "y": Out(8),
        })

    def elaborate(self, platform):
        m = Module()

        z_bits = self.widths.z
        residual = Signal(signed(9))
        m.d.comb += residual.eq(
            Cat(self.residual, self.residual[7] & self.residual_signed) & self.add_residual.replicate(9)
        )
        half = (Const(1, z_bits) << self.shift)[1 : z_bits + 1]

        product, product_held, offset, offset_held, z = (
            Signal(signed(z_bits), name=name, reset_less=True) for name in
            ("product", "product_held", "offset", "offset_held", "z")
        )
        m.d.sync += [
            product.eq(self.acc * self.entry.multiplier),
            offset.eq((self.entry.bias << self.bias_shift) + (residual << self.residual_shift) + half),
            product_held.eq(product),
            offset_held.eq(offset),
            z.eq(product_held + offset_held),
        ]

        shifted = Signal(signed(z_bits))
        y = Signal(unsigned(8), reset_less=True)
        low, high = Signal(signed(ACTIVATION_BITS + 1)), Signal(signed(ACTIVATION_BITS + 1))
        with m.Switch(Cat(self.output_signed, self.unused_bits)):
            for bits in range(ACTIVATION_BITS_MIN, ACTIVATION_BITS + 1):
                for is_signed in (False, True):
                    least, greatest = output_range(is_signed, bits)
                    with m.Case(is_signed | (ACTIVATION_BITS - bits) << 1):
                        m.d.comb += [low.eq(least), high.eq(greatest)]
        m.d.comb += [shifted.eq(z >> self.shift), self.y.eq(y)]
        m.d.sync += y.eq(Mux(shifted < low, low, Mux(shifted > high, high, shifted)))
        return m
