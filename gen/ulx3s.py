"""The ULX3S board with an ECP5-85F: its clock, reset, serial line and lamps around the accelerator.

The pins are those of ``amaranth-boards``. The accelerator is an instance of the very module that is simulated.

Ref: Radiona ULX3S, https://github.com/emard/ulx3s; Lattice FPGA-TN-02200 (EHXPLLL).
"""

from fractions import Fraction

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer
from amaranth_boards.ulx3s import ULX3S_85F_Platform

from gen.ecp5_pll import Pll, pll_for
from gen.verilog import SERIAL_TOP, verilog_of

__all__ = ["BOARD", "CLOCK_MHZ", "NEXTPNR_OPTIONS", "Ulx3s", "board_files"]

BOARD = "ulx3s"  #: Name of the top module.
CLOCK_MHZ = Fraction(25)  #: The board's oscillator.

#: The part, for nextpnr-ecp5.
NEXTPNR_OPTIONS = ("--85k", "--package", "CABGA381", "--speed", ULX3S_85F_Platform.speed)

_LAMPS = 8
_IDLE, _BUSY, _FAILED, _RUNNING = 0, 1, 2, 7  # which lamp says what; in between none is lit


class Ulx3s(Elaboratable):
    """Top of the board: USB serial line to the accelerator; button PWR resets.

    Lamp 0: idle; 1: an inference runs; 2: register ERROR holds an error; 7: the clock is stable and nothing in reset.

    Parameters
    ----------
    pll : Pll
        Makes the accelerator's clock of the board's.
    """

    def __init__(self, pll: Pll):
        self.pll = pll

    def elaborate(self, platform):
        m = Module()

        line = platform.request("uart", dir="-")
        m.submodules.clock = clock = io.Buffer("i", platform.request("clk25", dir="-"))
        m.submodules.button = button = io.Buffer("i", platform.request("button_pwr", dir="-"))
        m.submodules.rx = rx = io.Buffer("i", line.rx)
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        locked, fast = Signal(), Signal()
        busy, failed = Signal(), Signal()
        m.domains.sync = ClockDomain()
        m.d.comb += ClockSignal().eq(fast)
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=str(float(CLOCK_MHZ)),
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1", a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED", p_STDBY_ENABLE="DISABLED", p_DPHASE_SOURCE="DISABLED",
            p_FEEDBK_PATH="CLKOP", p_OUTDIVIDER_MUXA="DIVA", p_CLKOP_ENABLE="ENABLED",
            p_CLKI_DIV=self.pll.reference, p_CLKFB_DIV=self.pll.feedback, p_CLKOP_DIV=self.pll.output,
            p_CLKOP_CPHASE=self.pll.output // 2, p_CLKOP_FPHASE=0,
            i_RST=0, i_STDBY=0, i_CLKI=clock.i, i_CLKFB=fast, i_PLLWAKESYNC=0, i_ENCLKOP=0,
            i_PHASESEL0=0, i_PHASESEL1=0, i_PHASEDIR=1, i_PHASESTEP=1, i_PHASELOADREG=1,
            o_CLKOP=fast, o_LOCK=locked,
        )
        m.submodules.reset = ResetSynchronizer(~locked | button.i, domain="sync")
        m.submodules.accelerator = Instance(
            SERIAL_TOP,
            i_clk=ClockSignal(), i_rst=ResetSignal(), i_rx=rx.i, o_tx=tx.o, o_busy=busy, o_failed=failed,
        )
        lamps = {_IDLE: ~busy & ~failed, _BUSY: busy, _FAILED: failed, _RUNNING: ~ResetSignal()}
        for number in range(_LAMPS):
            m.submodules[f"lamp{number}"] = lamp = io.Buffer("o", platform.request("led", number, dir="-"))
            m.d.comb += lamp.o.eq(lamps.get(number, 0))
        return m


def board_files(clock_mhz: Fraction) -> dict[str, str]:
    """Verilog of the top and its pin constraints, by file name.

    Raises
    ------
    Refused
        If the PLL cannot make ``clock_mhz``.
    """
    plan = ULX3S_85F_Platform().build(Ulx3s(pll_for(CLOCK_MHZ, clock_mhz)), BOARD, do_build=False, emit_src=False)
    verilog = verilog_of(_text(plan.files[f"{BOARD}.il"]))
    title = f"// Foldenite on a ULX3S-85F at {float(clock_mhz):g} MHz. Generated; do not edit.\n"
    return {f"{BOARD}.v": f"{title}\n{verilog}", f"{BOARD}.lpf": _text(plan.files[f"{BOARD}.lpf"])}


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode()
