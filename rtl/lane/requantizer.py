"""Turns accumulators into stored activations: scale, bias, residual, one rounding, saturation."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import Entry
from rtl.lane.pe_array import add_with_carry
from rtl.lane.product import FACTOR_BITS, Product
from rtl.lane.shifter import Shifter
from spec.numerics import (
    ACTIVATION_BITS,
    ACTIVATION_BITS_MIN,
    BIAS_BITS,
    BIAS_SHIFT_MAX,
    MASK_WIDTHS,
    RESIDUAL_SHIFT_MAX,
    SHIFT_MAX,
    Z_BITS,
    Widths,
    output_range,
)

__all__ = ["BIAS_SHIFT", "RESIDUAL_SHIFT", "WINDOW_SHIFT", "Requantizer", "new_shifters"]

#: Signed bits of ``r << rsh``.
_RESIDUAL_BITS = 1 + ACTIVATION_BITS + RESIDUAL_SHIFT_MAX

#: Bits of ``(acc*M + (B << bsh)) >> sh``, sign included: beyond them no residual can bring ``y`` back into its range.
_WINDOW_BITS = _RESIDUAL_BITS + 1

#: Names of the modules that stand for the shifters of sums of up to 32 bits.
BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT = "foldenite_shift_bias", "foldenite_shift_residual", "foldenite_shift_window"


def new_shifters(widths: Widths) -> tuple[Shifter, Shifter, Shifter]:
    """Shifters of a requantizer: of its biases, of its residuals, and of its sums, with a bit below them."""
    return (
        Shifter(BIAS_SHIFT, left=True, bits=BIAS_BITS, most=BIAS_SHIFT_MAX, width=BIAS_BITS + BIAS_SHIFT_MAX),
        Shifter(RESIDUAL_SHIFT, left=True, bits=ACTIVATION_BITS + 1, most=RESIDUAL_SHIFT_MAX, width=_RESIDUAL_BITS),
        Shifter(
            WINDOW_SHIFT if widths.z <= Z_BITS else "", left=False, bits=widths.z + 1, most=SHIFT_MAX,
            width=1 + _WINDOW_BITS,
        ),
    )


def _from(first: Value) -> Value:
    """A bit for each number that ``first`` can be: 1 from ``first`` on. Worked out by halves, without adders."""
    bits = Const(1, 1)
    for place in range(len(first)):
        half, upper = len(bits), first[place]
        bits = Cat(bits & ~upper.replicate(half), bits | ~upper.replicate(half))
    return bits


class Requantizer(wiring.Component):
    """:func:`spec.numerics.requantize` on one row: ``y = clamp((z + (1 << (sh-1))) >> sh)`` with
    ``z = acc*M + (B << bsh) + (r << (sh+rsh))``.

    The residual is a multiple of ``2**sh``, so it is added after the shift: ``(b + half >> sh) + (r << rsh)`` with
    ``b = acc*M + (B << bsh)``. ``b`` is kept modulo ``2**widths.z``; :class:`spec.model.Model` proves that it fits.
    Latency :data:`LATENCY` cycles, throughput one result per cycle, no stall. The shifts and ranges must not
    change while results are in flight, and stand a cycle before the first of them.

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
    shift : In(5)
        ``sh``.
    bias_shift : In(3)
        ``bsh``.
    residual_shift : In(2)
        ``rsh``.
    y : Out(8)
    """

    #: Cycles from ``acc`` to ``y``.
    LATENCY = 5

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
            "shift": In(range(SHIFT_MAX + 1)),
            "bias_shift": In(range(BIAS_SHIFT_MAX + 1)),
            "residual_shift": In(range(RESIDUAL_SHIFT_MAX + 1)),
            "y": Out(8),
        })

    def elaborate(self, platform):
        m = Module()

        z_bits = self.widths.z
        biases, residuals, windows = new_shifters(self.widths)
        m.submodules.biases, m.submodules.residuals, m.submodules.windows = biases, residuals, windows
        based = Signal(signed(z_bits), reset_less=True)
        m.d.comb += [
            biases.value.eq(self.entry.bias),
            biases.amount.eq(self.bias_shift),
            residuals.amount.eq(self.residual_shift),
            windows.value.eq(Cat(0, based)),
            windows.amount.eq(self.shift),
        ]
        m.d.sync += based.eq(self._product(m) + biases.shifted)

        # (b + half) >> sh is b >> sh and, added to it, the highest bit that left. Of b >> sh the lowest bits will do if
        # all others are equal to its sign; if they are not, y saturates. What was shifted is taken into registers
        # before it is added: multipliers are far away.
        window = Signal(1 + _WINDOW_BITS, reset_less=True)
        above, below, far_above, far_below = (
            Signal(name=name, reset_less=True) for name in ("above", "below", "far_above", "far_below")
        )
        others = Signal(z_bits - 1, reset_less=True)
        m.d.sync += [
            others.eq(Cat(Const(0, _WINDOW_BITS - 1), _from(self.shift))[: z_bits - 1]),
            above.eq(~based[-1] & (based[:-1] & others).any()),
            below.eq(based[-1] & (~based[:-1] & others).any()),
            far_above.eq(above),
            far_below.eq(below),
            window.eq(windows.shifted),
        ]
        rounded = add_with_carry(window[1:].as_signed(), self._residual(m, residuals), window[0])
        total = Signal(signed(_WINDOW_BITS + 1))
        m.d.comb += total.eq(rounded)
        m.d.comb += self.y.eq(self._clamped(m, total, far_above, far_below))
        return m

    def _product(self, m: Module) -> Value:
        """``acc*M`` of a cycle ago: one multiplication of 18 bits, which FPGAs have, or two, added after a register."""
        if self.widths.acc <= FACTOR_BITS:
            m.submodules.product = product = Product()
            m.d.comb += [product.a.eq(self.acc), product.b.eq(self.entry.multiplier)]
            return product.product
        split = FACTOR_BITS - 1
        m.submodules.low, m.submodules.high = low, high = Product(), Product()
        m.d.comb += [
            low.a.eq(Cat(self.acc[:split], 0).as_signed()),
            high.a.eq(self.acc[split:].as_signed()),
            *(part.b.eq(self.entry.multiplier) for part in (low, high)),
        ]
        return Cat(low.product[:split], low.product[split:].as_signed() + high.product).as_signed()

    def _residual(self, m: Module, shifter: Shifter) -> Value:
        """``r << rsh`` of four cycles ago, or 0."""
        byte, held = Signal(signed(9), reset_less=True), Signal(signed(9), reset_less=True)
        with m.If(self.add_residual):
            m.d.sync += byte.eq(Cat(self.residual, self.residual[7] & self.residual_signed))
        with m.Else():  # a reset that flip-flops have
            m.d.sync += byte.eq(0)
        m.d.comb += shifter.value.eq(held)
        residual = Signal.like(shifter.shifted, name="residual", reset_less=True)
        m.d.sync += [held.eq(byte), residual.eq(shifter.shifted)]
        return residual

    def _clamped(self, m: Module, total: Value, far_above: Value, far_below: Value) -> Value:
        """``total`` of a cycle ago in the output's range, beyond which it was, whatever it said, if ``far_above`` or
        ``far_below``. The choice comes after the register: what follows is only another choice.
        """
        sign, value = total[-1], total[:-1]
        beyond = Signal(len(value), reset_less=True)  # bits that are equal to the sign in every number in range
        with m.Switch(Cat(self.output_signed, self.unused_bits)):
            for bits in range(ACTIVATION_BITS_MIN, ACTIVATION_BITS + 1):
                for is_signed in (False, True):
                    greatest = output_range(is_signed, bits)[1]
                    with m.Case(is_signed | (ACTIVATION_BITS - bits) << 1):
                        m.d.sync += beyond.eq(~greatest)
        low_bits = Signal(ACTIVATION_BITS, reset_less=True)
        too_high, too_low = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [
            low_bits.eq(value),
            too_high.eq(far_above | ~far_below & ~sign & (value & beyond).any()),
            too_low.eq(far_below | ~far_above & sign & (~self.output_signed | (~value & beyond).any())),
        ]
        greatest, least = ~beyond[:ACTIVATION_BITS], beyond[:ACTIVATION_BITS] & self.output_signed.replicate(8)
        return Mux(too_high, greatest, Mux(too_low, least, low_bits))
