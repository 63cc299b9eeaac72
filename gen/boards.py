"""The boards that ``gen.board`` knows, as data: what is on each, and what it is called in ``amaranth-boards``.

Ref: Radiona ULX3S, https://github.com/emard/ulx3s; Colorlight 5A-75B, https://github.com/q3k/chubby75.
"""

import importlib
from dataclasses import dataclass
from fractions import Fraction

from amaranth.vendor import LatticeECP5Platform

from gen.ecp5_parts import ECP5_PARTS, Ecp5Part
from gen.ecp5_tools import ECP5_PLACER
from spec.refusal import Refused

__all__ = ["BOARDS", "Board"]


@dataclass(frozen=True)
class Board:
    """A board with an ECP5 and a serial line; resources are named as its platform names them, their number is 0.

    Parameters
    ----------
    name, title : str
        For the command line and for people.
    platform : tuple of str
        Module of ``amaranth_boards`` and class in it.
    fpga_name : str
        Key of :data:`gen.ecp5_parts.ECP5_PARTS`.
    package, speed : str
        Package and speed grade of the part, as nextpnr calls them.
    clock : str
        Resource of the oscillator, of ``clock_mhz``.
    clock_mhz : Fraction
    uart : str
        Resource of the serial line, with pins rx and tx.
    reset : str, optional
        Resource of a button that resets.
    lamps : tuple of str
        What each resource ``led`` says: "idle", "busy", "failed", "running" or, if it stays dark, "".
    loader : str
        Command that loads the bitstream whose name follows.
    """

    name: str
    title: str
    platform: tuple[str, str]
    fpga_name: str
    package: str
    speed: str
    clock: str
    clock_mhz: Fraction
    uart: str
    reset: str | None
    lamps: tuple[str, ...]
    loader: str

    @property
    def fpga(self) -> Ecp5Part:
        """The FPGA."""
        return ECP5_PARTS[self.fpga_name]

    @property
    def nextpnr_options(self) -> tuple[str, ...]:
        """The part and how to place, for nextpnr-ecp5."""
        return (self.fpga.option, "--package", self.package, "--speed", self.speed, *ECP5_PLACER)

    def new_platform(self) -> LatticeECP5Platform:
        """Its pins, all of them free.

        Raises
        ------
        Refused
            If ``amaranth-boards`` is not installed.
        """
        module, name = self.platform
        try:
            return getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()
        except ImportError as missing:
            raise Refused(
                f"A board needs the Python package amaranth-boards, of which {missing.name} is missing; run pip "
                "install 'foldenite[board]'"
            ) from None


def _ulx3s(size: str) -> Board:
    return Board(
        name=f"ulx3s-{size.lower()}", title=f"ULX3S-{size}", platform=("ulx3s", f"ULX3S_{size}_Platform"),
        fpga_name=size, package="CABGA381", speed="6", clock="clk25", clock_mhz=Fraction(25), uart="uart",
        reset="button_pwr", lamps=("idle", "busy", "failed", "", "", "", "", "running"),
        loader="openFPGALoader -b ulx3s -m",
    )


#: By name; the first one is the default.
BOARDS = {board.name: board for board in (
    *map(_ulx3s, ("85F", "45F", "25F", "12F")),
    # Its only lamp and button are on the pins of the serial line. A JTAG adapter of its own loads it.
    Board(
        name="colorlight-5a-75b", title="Colorlight 5A-75B (7.0)",
        platform=("colorlight_5a75b_r7_0", "Colorlight_5A75B_R70Platform"), fpga_name="25F", package="CABGA256",
        speed="6", clock="clk25", clock_mhz=Fraction(25), uart="uart", reset=None, lamps=(),
        loader="openFPGALoader -c ft232 -m",
    ),
)}
