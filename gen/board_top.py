"""The top of a board: its clock, reset, serial line and lamps around the accelerator.

The pins are those of ``amaranth-boards``. The accelerator is an instance of the very module that is simulated.

Ref: Lattice FPGA-TN-02200 (EHXPLLL).
"""

from fractions import Fraction

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from gen.boards import Board
from gen.ecp5_pll import Pll, pll_for
from gen.verilog import SERIAL_TOP, verilog_of

__all__ = ["BOARD_TOP", "BoardTop", "board_files"]

BOARD_TOP = "board"  #: Name of the top module, and of its files.


class BoardTop(Elaboratable):
    """Top of a board: serial line to the accelerator; a button, if there is one, resets.

    A lamp says "idle"; "busy": an inference runs; "failed": register ERROR holds an error; "running": the clock is
    stable and nothing in reset.

    Parameters
    ----------
    board : Board
    pll : Pll
        Makes the accelerator's clock of the board's.
    """

    def __init__(self, board: Board, pll: Pll):
        self.board = board
        self.pll = pll

    def elaborate(self, platform):
        m = Module()

        line = platform.request(self.board.uart, dir="-")
        m.submodules.clock = clock = io.Buffer("i", platform.request(self.board.clock, dir="-"))
        m.submodules.rx = rx = io.Buffer("i", line.rx)
        m.submodules.tx = tx = io.Buffer("o", line.tx)
        fast, locked, pressed = Signal(), Signal(), Signal()
        busy, failed = Signal(), Signal()
        m.domains.sync = ClockDomain()
        m.d.comb += ClockSignal().eq(fast)
        m.submodules.pll = self._pll(clock.i, fast, locked)
        if self.board.reset is not None:
            m.submodules.button = button = io.Buffer("i", platform.request(self.board.reset, dir="-"))
            m.d.comb += pressed.eq(button.i)
        m.submodules.reset = ResetSynchronizer(~locked | pressed, domain="sync")
        m.submodules.accelerator = Instance(
            SERIAL_TOP,
            i_clk=ClockSignal(), i_rst=ResetSignal(), i_rx=rx.i, o_tx=tx.o, o_busy=busy, o_failed=failed,
        )
        said = {"idle": ~busy & ~failed, "busy": busy, "failed": failed, "running": ~ResetSignal(), "": 0}
        for number, says in enumerate(self.board.lamps):
            m.submodules[f"lamp{number}"] = lamp = io.Buffer("o", platform.request("led", number, dir="-"))
            m.d.comb += lamp.o.eq(said[says])
        return m

    def _pll(self, clock: Signal, fast: Signal, locked: Signal) -> Instance:
        return Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=str(float(self.board.clock_mhz)),
            a_ICP_CURRENT="12", a_LPF_RESISTOR="8", a_MFG_ENABLE_FILTEROPAMP="1", a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED", p_INTFB_WAKE="DISABLED", p_STDBY_ENABLE="DISABLED", p_DPHASE_SOURCE="DISABLED",
            p_FEEDBK_PATH="CLKOP", p_OUTDIVIDER_MUXA="DIVA", p_CLKOP_ENABLE="ENABLED",
            p_CLKI_DIV=self.pll.reference, p_CLKFB_DIV=self.pll.feedback, p_CLKOP_DIV=self.pll.output,
            p_CLKOP_CPHASE=self.pll.output // 2, p_CLKOP_FPHASE=0,
            i_RST=0, i_STDBY=0, i_CLKI=clock, i_CLKFB=fast, i_PLLWAKESYNC=0, i_ENCLKOP=0,
            i_PHASESEL0=0, i_PHASESEL1=0, i_PHASEDIR=1, i_PHASESTEP=1, i_PHASELOADREG=1,
            o_CLKOP=fast, o_LOCK=locked,
        )


def board_files(board: Board, clock_mhz: Fraction) -> dict[str, str]:
    """Verilog of the top and its pin constraints, by file name.

    Raises
    ------
    Refused
        If the PLL cannot make ``clock_mhz``, or ``amaranth-boards`` is not installed.
    """
    top = BoardTop(board, pll_for(board.clock_mhz, clock_mhz))
    plan = board.new_platform().build(top, BOARD_TOP, do_build=False, emit_src=False)
    verilog = verilog_of(_text(plan.files[f"{BOARD_TOP}.il"]))
    title = f"// Foldenite on a {board.title} at {float(clock_mhz):g} MHz. Generated; do not edit.\n"
    return {f"{BOARD_TOP}.v": f"{title}\n{verilog}", f"{BOARD_TOP}.lpf": _text(plan.files[f"{BOARD_TOP}.lpf"])}


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode()
