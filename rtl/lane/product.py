"""A multiplication of 18 bits and its register, which FPGAs have: a small module, for a target to map."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib.wiring import In, Out

from rtl.base.mapped import Mapped

__all__ = ["FACTOR_BITS", "PRODUCT_MODULE", "Product"]

#: Name of the Verilog module that stands for every such multiplication.
PRODUCT_MODULE = "foldenite_product"

FACTOR_BITS = 18  #: Signed bits of a factor.


class Product(Mapped):
    """``product = a * b`` of the cycle before.

    Members
    -------
    a, b : In(signed(18))
    product : Out(signed(36))
    """

    module = PRODUCT_MODULE
    clocked = True

    def __init__(self):
        super().__init__({
            "a": In(signed(FACTOR_BITS)), "b": In(signed(FACTOR_BITS)), "product": Out(signed(2 * FACTOR_BITS)),
        })

    def describe(self):
        m = Module()

        product = Signal.like(self.product, reset_less=True)
        m.d.sync += product.eq(self.a * self.b)
        m.d.comb += self.product.eq(product)
        return m
