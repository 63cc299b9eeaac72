"""The tops of all boards and their pins, as text for the tools."""

import re
from fractions import Fraction

import pytest

from gen.board_top import BOARD_TOP, board_files
from gen.boards import BOARDS
from gen.verilog import SERIAL_TOP, serial_verilog
from spec.config import config_for

#: Sites by the boards' own documents: oscillator, lines, button, lamps.
_ULX3S = {"clk25": "G2", "uart_0__rx": "M1", "uart_0__tx": "L4", "button_pwr": "D6",
          **{f"led_{number}_": site for number, site in enumerate(["B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3"])}}
SITES = {name: _ULX3S for name in BOARDS if name.startswith("ulx3s")} | {
    "colorlight-5a-75b": {"clk25": "P6", "uart_0__rx": "M13", "uart_0__tx": "P11"},
}


@pytest.fixture(scope="module")
def files():
    return {name: board_files(board, Fraction(80)) for name, board in BOARDS.items()}


def located(text):
    return dict(re.findall(r'LOCATE COMP "(\w+)" SITE "(\w+)";', text))


def of_platform(board):
    """Sites by the platform's own resources, of those that the top takes."""
    resources = board.new_platform().resources
    line = {part.name: part.ios[0].names for part in resources[board.uart, 0].ios}
    pins = {f"{board.uart}_0__{name}": line[name] for name in ("rx", "tx")}
    single = [(board.clock, 0), *[("led", number) for number in range(len(board.lamps))]]
    single += [(board.reset, 0)] if board.reset else []
    return {
        f"{port}__io": site for port, [site] in
        (pins | {f"{name}_{number}": resources[name, number].ios[0].names for name, number in single}).items()
    }


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_every_pin_has_its_site_and_the_clock_its_frequency(files, board):
    lpf, verilog = (files[board.name][f"{BOARD_TOP}.{kind}"] for kind in ("lpf", "v"))
    ports = re.search(rf"^module {BOARD_TOP}\((.*?)\);", verilog, re.MULTILINE)[1].split(", ")
    assert set(located(lpf)) == set(ports)
    assert located(lpf) == of_platform(board)
    assert len(ports) == len(SITES[board.name])
    for name, site in SITES[board.name].items():
        assert [found for port, found in located(lpf).items() if port.startswith(name)] == [site], name
    assert re.search(r'FREQUENCY PORT "clk25\w*" 25000000.0 HZ;', lpf)
    assert board.title in verilog


@pytest.mark.parametrize("board", ["ulx3s-85f", pytest.param("colorlight-5a-75b", marks=pytest.mark.slow)])
def test_the_accelerator_is_an_instance_of_the_module_that_is_emitted(files, board):
    """All of its ports are connected, and there are no others."""
    verilog = files[board][f"{BOARD_TOP}.v"]
    connections = re.search(rf"^  {SERIAL_TOP} \w+ \((.*?)\);", verilog, re.MULTILINE | re.DOTALL)[1]
    config = config_for(16, x_bytes=512, t_bytes=512, mask_bits=1024, entries=64, commands=8)
    ports = re.search(rf"^module {SERIAL_TOP}\((.*?)\);", serial_verilog(config, 50), re.MULTILINE)[1].split(", ")
    assert set(re.findall(r"\.(\w+)\(", connections)) == set(ports) == {"clk", "rst", "rx", "tx", "busy", "failed"}


def test_the_pll_makes_the_clock(files):
    """25 MHz / 5 * 16, with the oscillator at 400 MHz."""
    for texts in files.values():
        parameters = dict(re.findall(r"\.(CLK\w+_DIV)\(32'd(\d+)\)", texts[f"{BOARD_TOP}.v"]))
        assert parameters == {"CLKI_DIV": "5", "CLKFB_DIV": "16", "CLKOP_DIV": "5"}


def test_boards_of_a_kind_differ_in_their_names_alone(files):
    def common(name):
        return {kind: text.replace(BOARDS[name].title, "") for kind, text in files[name].items()}

    assert common("ulx3s-85f") == common("ulx3s-12f") != common("colorlight-5a-75b")


def test_the_same_bytes_every_time(files):
    assert board_files(BOARDS["ulx3s-85f"], Fraction(80)) == files["ulx3s-85f"]
