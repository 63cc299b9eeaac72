"""The two bus protocols of the host, as interface signatures.

Ref: Arm AMBA AXI Protocol Specification (IHI 0022), chapter B1 "AMBA AXI4-Lite";
     Arm AMBA AXI-Stream Protocol Specification (IHI 0051).
"""

from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS

__all__ = ["AxiLite", "AxiStream", "Response"]

class Response(enum.Enum, shape=2):
    """How a subordinate answers an access."""

    OKAY = 0  #: Done.
    EXOKAY = 1  #: Exclusive access; not in AXI4-Lite.
    SLVERR = 2  #: Refused by the subordinate.
    DECERR = 3  #: Nobody lives at that address; interconnects answer so.


class AxiLite(wiring.Signature):
    """AXI4-Lite with 32-bit data, from the manager's side; a subordinate uses ``In(AxiLite(...))``.

    Each channel transfers when its ``valid`` and ``ready`` are both 1. ``valid`` never waits for ``ready``; payload is
    held until taken.

    Parameters
    ----------
    address_bits : int
        Width of the byte addresses, at least 2.

    Members
    -------
    awaddr, awprot, awvalid : Out; awready : In
        Write address channel. ``awprot`` says privilege, security and instruction or data.
    wdata, wstrb, wvalid : Out; wready : In
        Write data channel. ``wstrb`` has one bit per byte.
    bresp, bvalid : In; bready : Out
        Write response channel.
    araddr, arprot, arvalid : Out; arready : In
        Read address channel.
    rdata, rresp, rvalid : In; rready : Out
        Read data channel.
    """

    def __init__(self, address_bits: int):
        if not isinstance(address_bits, int) or address_bits < 2:
            raise ValueError(f"Address width must be an integer of at least 2, not {address_bits!r}")
        self.address_bits = address_bits
        super().__init__({
            "awaddr": Out(address_bits), "awprot": Out(3), "awvalid": Out(1), "awready": In(1),
            "wdata": Out(AXI_BITS), "wstrb": Out(AXI_BITS // 8), "wvalid": Out(1), "wready": In(1),
            "bresp": In(Response), "bvalid": In(1), "bready": Out(1),
            "araddr": Out(address_bits), "arprot": Out(3), "arvalid": Out(1), "arready": In(1),
            "rdata": In(AXI_BITS), "rresp": In(Response), "rvalid": In(1), "rready": Out(1),
        })

    def __eq__(self, other):
        return type(other) is AxiLite and other.address_bits == self.address_bits

    def __hash__(self):
        return hash((AxiLite, self.address_bits))

    def __repr__(self):
        return f"AxiLite({self.address_bits})"


class AxiStream(wiring.Signature):
    """AXI4-Stream of 32-bit words, from the source's side; a sink uses ``In(AxiStream())``.

    Members
    -------
    tdata : Out(32)
        One word, held until taken.
    tvalid : Out(1)
        A word is offered. Never waits for ``tready``.
    tready : In(1)
        The word is taken.
    tlast : Out(1)
        The word is the last of its packet or frame.
    """

    def __init__(self):
        super().__init__({"tdata": Out(AXI_BITS), "tvalid": Out(1), "tready": In(1), "tlast": Out(1)})

    def __eq__(self, other):
        return type(other) is AxiStream

    def __hash__(self):
        return hash(AxiStream)

    def __repr__(self):
        return "AxiStream()"
