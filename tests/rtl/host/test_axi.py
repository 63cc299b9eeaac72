# amaranth: UnusedElaboratable=no
"""The bus signatures against the names and directions of the AMBA specifications."""

import pytest
from amaranth.hdl import Value
from amaranth.lib.wiring import Component, Flow, In, Out

from rtl.base.ports import AXI_BITS
from rtl.host.axi import AxiLite, AxiStream, Response

# Signals that the manager (the source) drives and that it receives, with widths, from IHI 0022 B1 and IHI 0051 2.
PROTOCOLS = {
    "axi-lite": (
        AxiLite(8),
        {"awaddr": 8, "awprot": 3, "awvalid": 1, "wdata": 32, "wstrb": 4, "wvalid": 1, "bready": 1,
         "araddr": 8, "arprot": 3, "arvalid": 1, "rready": 1},
        {"awready": 1, "wready": 1, "bresp": 2, "bvalid": 1, "arready": 1, "rdata": 32, "rresp": 2, "rvalid": 1},
    ),
    "axi-stream": (AxiStream(), {"tdata": 32, "tvalid": 1, "tlast": 1}, {"tready": 1}),
}


@pytest.mark.parametrize(("signature", "driven", "received"), PROTOCOLS.values(), ids=PROTOCOLS)
def test_signals(signature, driven, received):
    interface = signature.create()
    for flow, expected in ((Flow.Out, driven), (Flow.In, received)):
        names = [name for name, member in signature.members.items() if member.flow is flow]
        assert {name: len(Value.cast(getattr(interface, name))) for name in names} == expected


def test_subordinate_sees_the_bus_from_the_other_side():
    class Subordinate(Component):
        bus: In(AxiLite(8))

    members = Subordinate().bus.signature.members
    assert members["awaddr"] == In(8)
    assert members["rdata"] == Out(AXI_BITS)


def test_responses_are_those_of_the_protocol():
    assert [(r.name, r.value) for r in Response] == [("OKAY", 0), ("EXOKAY", 1), ("SLVERR", 2), ("DECERR", 3)]


def test_signatures_compare_by_value():
    assert AxiLite(8) == AxiLite(8) != AxiLite(12)
    assert AxiStream() == AxiStream() != AxiLite(8)
    assert len({AxiLite(8), AxiLite(8), AxiLite(12), AxiStream(), AxiStream()}) == 3
    assert [repr(AxiLite(8)), repr(AxiStream())] == ["AxiLite(8)", "AxiStream()"]


@pytest.mark.parametrize("width", [1, 0, -8, 8.0, "8"])
def test_illegal_address_width_is_refused(width):
    with pytest.raises(ValueError, match=r"^Address width must be an integer of at least 2, not "):
        AxiLite(width)
