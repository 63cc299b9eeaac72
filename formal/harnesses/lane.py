"""The arithmetic of a lane: shifts, rounding, saturation."""

from amaranth.hdl import Assert, Cover, Elaboratable, Module, Mux, Signal, signed

from formal.harness import Inside, any_constant, free, past
from rtl.lane.requantizer import Requantizer
from rtl.lane.shifter import shifted_left, shifted_right
from spec.numerics import (
    ACTIVATION_BITS,
    ACTIVATION_BITS_MIN,
    BIAS_BITS,
    BIAS_SHIFT_MAX,
    MASK_WIDTHS,
    RESIDUAL_SHIFT_MAX,
    SHIFT_MAX,
    Widths,
)

__all__ = ["Rounded", "ShiftsLeft", "ShiftsRight"]


class ShiftsLeft(Elaboratable):
    """``value << amount`` in stages is the shift of the whole width, for the biases and the residuals."""

    def elaborate(self, platform):
        m = Module()
        for name, bits, most in (("bias", BIAS_BITS, BIAS_SHIFT_MAX), ("residual", 9, RESIDUAL_SHIFT_MAX)):
            value, amount = Signal(signed(bits), name=name), Signal(range(most + 1), name=f"{name}_amount")
            free(m, value, amount)
            narrow = shifted_left(m, name, value, amount, bits + most)
            m.d.comb += [Assert(narrow == value << amount), Cover((amount == most) & (narrow < 0))]
        return m


class ShiftsRight(Elaboratable):
    """``value >> amount`` in stages is the low bits of the shift of the whole width, sign and all.

    Parameters
    ----------
    bits : int
        Of the value.
    width : int
        Of the result.
    """

    def __init__(self, bits: int, width: int):
        self.bits = bits
        self.width = width

    def elaborate(self, platform):
        m = Module()
        value, amount = Signal(signed(self.bits)), Signal(range(SHIFT_MAX + 1))
        free(m, value, amount)
        narrow = shifted_right(m, "value", value, amount, self.width)
        m.d.comb += [
            Assert(narrow.as_unsigned()[: self.width] == (value >> amount)[: self.width]),
            Cover((amount == SHIFT_MAX) & (narrow == -1)),
        ]
        return m


class Rounded(Elaboratable):
    """``y = clamp((z + (1 << (sh - 1))) >> sh)`` with ``z = b + (r << (sh + rsh))``, whatever the register ``b`` of the
    sum before the shift holds: the shift of few bits, the rounding by a carry and the saturation are those of the
    definition, computed here in full width.
    """

    def __init__(self, widths: Widths = MASK_WIDTHS):
        self.widths = widths

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := Requantizer(self.widths))
        free(m, dut.acc, dut.entry, dut.residual, dut.add_residual, dut.residual_signed)
        for one in (dut.output_signed, dut.unused_bits, dut.shift, dut.bias_shift, dut.residual_shift):
            m.d.comb += one.eq(any_constant(m, len(one), f"any_{one.name}"))
        legal = (dut.shift != 0) & (dut.unused_bits <= ACTIVATION_BITS - ACTIVATION_BITS_MIN)
        bits = self.widths.z + SHIFT_MAX + 2
        wide, full = Signal(signed(bits)), Signal(signed(bits))
        byte = Mux(dut.residual_signed, dut.residual.as_signed(), dut.residual)
        residual = past(m, Mux(dut.add_residual, byte, 0), 2).as_signed() << (dut.shift + dut.residual_shift)
        m.d.comb += [
            wide.eq(inside["based"] + residual + (1 << dut.shift >> 1)),
            full.eq(wide >> dut.shift),
        ]
        width = Signal(range(ACTIVATION_BITS + 1))
        m.d.comb += width.eq(ACTIVATION_BITS - dut.unused_bits)
        most = Mux(dut.output_signed, (1 << width >> 1) - 1, (1 << width) - 1)
        least = Mux(dut.output_signed, -(1 << width >> 1), 0)
        clamped = Signal(signed(bits))
        m.d.comb += clamped.eq(Mux(full > most, most, Mux(full < least, least, full)))
        m.d.comb += [
            Assert(~legal | ~past(m, 1, 4) | (dut.y == past(m, clamped, 3)[:ACTIVATION_BITS])),
            Cover(legal & dut.output_signed & (dut.y == 0x80) & (dut.shift == 5)),
        ]
        return m
