"""Turns accumulators into stored activations: scale, bias, residual, one rounding, saturation."""

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.pe_array import add_with_carry
from spec.numerics import (
    ACTIVATION_BITS,
    ACTIVATION_BITS_MIN,
    BIAS_BITS,
    MASK_WIDTHS,
    MULTIPLIER_BITS,
    Widths,
    output_range,
)

__all__ = ["Entry", "Requantizer", "shifted_left", "shifted_right"]

#: Bits of ``z >> sh``, but for its sign, that an output in range and the rounding can reach.
_WINDOW_BITS = ACTIVATION_BITS + 1


class Entry(data.Struct):
    """Batch-norm entry of one channel and iteration."""

    multiplier: signed(MULTIPLIER_BITS)
    bias: signed(BIAS_BITS)


def shifted_left(m: Module, name: str, value: Value, amount: Value, width: int) -> Value:
    """``value << amount`` (signed), its low ``width`` bits: two bits of ``amount`` at a time, the lowest first, so that
    the first muxes are as narrow as ``value``.
    """
    for lsb in range(0, len(amount), 2):
        shifted = _select(amount[lsb : lsb + 2], lambda n, value=value, lsb=lsb: value.shift_left(n << lsb))
        stage = Signal(signed(min(width, len(shifted))), name=f"{name}_left{lsb}")
        m.d.comb += stage.eq(shifted)
        value = stage
    return value


def shifted_right(m: Module, name: str, value: Value, amount: Value, width: int) -> Value:
    """``value >> amount`` (signed), its low ``width`` bits: two bits of ``amount`` at a time, the highest first, so
    that the last muxes are as narrow as the result.
    """
    for lsb in reversed(range(0, len(amount), 2)):
        shifted = _select(amount[lsb : lsb + 2], lambda n, value=value, lsb=lsb: value.shift_right(n << lsb))
        stage = Signal(signed(min(len(value), width + (1 << lsb) - 1)), name=f"{name}_right{lsb}")
        m.d.comb += stage.eq(shifted)
        value = stage
    return value


def _select(index: Value, choice: Callable[[int], Value]) -> Value:
    """``choice(index)`` for an index of one bit or two: a mux of four takes two LUTs on an FPGA."""
    if len(index) == 1:
        return Mux(index, choice(1), choice(0))
    return Mux(index[1], Mux(index[0], choice(3), choice(2)), Mux(index[0], choice(1), choice(0)))


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
        product, offset, z = (
            Signal(signed(z_bits), name=name, reset_less=True) for name in ("product", "offset", "z")
        )
        m.d.sync += [
            product.eq(self.acc * self.entry.multiplier),
            offset.eq(
                shifted_left(m, "bias", self.entry.bias, self.bias_shift, z_bits)
                + shifted_left(m, "residual", residual, self.residual_shift, z_bits)
            ),
            z.eq(product + offset),
        ]

        # (z + half) >> sh is z >> sh and, added to it, the highest bit that left. Of z >> sh the lowest bits and the
        # sign will do if no bit between differs from the sign; one that does means that y saturates.
        window = Signal(1 + _WINDOW_BITS, reset_less=True)
        negative, some_ones, some_zeros = (
            Signal(name=name, reset_less=True) for name in ("negative", "some_ones", "some_zeros")
        )
        between = Cat(self.shift + _WINDOW_BITS <= i for i in range(z_bits - 1))
        m.d.sync += [
            window.eq(shifted_right(m, "z", Cat(0, z).as_signed(), self.shift, len(window))),
            negative.eq(z[-1]),
            some_ones.eq((z[:-1] & between).any()),
            some_zeros.eq((~z[:-1] & between).any()),
        ]
        m.d.sync += self.y.eq(self._clamp(m, window, negative, Mux(negative, some_zeros, some_ones)))
        return m

    def _clamp(self, m: Module, window: Value, negative: Value, wide: Value) -> Value:
        """``y`` of ``z >> sh``, counted from the least output upwards: its range is then 0 to one less than a power of
        two. ``wide``: it has more bits than ``window``.
        """
        below, size = Signal(ACTIVATION_BITS), Signal(ACTIVATION_BITS)
        with m.Switch(Cat(self.output_signed, self.unused_bits)):
            for bits in range(ACTIVATION_BITS_MIN, ACTIVATION_BITS + 1):
                for is_signed in (False, True):
                    least, greatest = output_range(is_signed, bits)
                    with m.Case(is_signed | (ACTIVATION_BITS - bits) << 1):
                        m.d.comb += [below.eq(-least), size.eq(greatest - least)]
        height, inside = Signal(signed(_WINDOW_BITS + 2)), Signal(ACTIVATION_BITS)
        least_is_0 = add_with_carry(Cat(window[1:], negative).as_signed(), Cat(below, 0).as_signed(), window[0])
        m.d.comb += height.eq(least_is_0)
        too_low = Mux(wide, negative, height[-1])
        too_high = wide | (height[:-1] & ~Cat(size, Const(0, len(height) - 1 - len(size)))).any()
        m.d.comb += inside.eq((height[: len(size)] | (size & too_high.replicate(len(size)))) & size)
        return (inside & ~too_low.replicate(len(inside))) - below
