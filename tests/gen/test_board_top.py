"""The board's top and its pins, as text for the tools."""

import re
from fractions import Fraction

import pytest

from gen.ulx3s import BOARD, NEXTPNR_OPTIONS, board_files
from gen.verilog import SERIAL_TOP, serial_verilog
from spec.config import config_for

#: Sites of the board, from its schematic (v3.x): oscillator, FTDI lines, button, lamps.
SITES = {"clk25": "G2", "uart_0__rx": "M1", "uart_0__tx": "L4", "button_pwr": "D6",
         **{f"led_{number}_": site for number, site in enumerate(["B2", "C2", "C1", "D2", "D1", "E2", "E1", "H3"])}}


@pytest.fixture(scope="module")
def files():
    return board_files(Fraction(80))


def test_every_pin_has_its_site_and_the_clock_its_frequency(files):
    located = dict(re.findall(r'LOCATE COMP "(\w+)" SITE "(\w+)";', files[f"{BOARD}.lpf"]))
    ports = re.search(rf"^module {BOARD}\((.*?)\);", files[f"{BOARD}.v"], re.MULTILINE)[1].split(", ")
    assert set(located) == set(ports)
    for name, site in SITES.items():
        assert [found for port, found in located.items() if port.startswith(name)] == [site], name
    assert re.search(r'FREQUENCY PORT "clk25\w*" 25000000.0 HZ;', files[f"{BOARD}.lpf"])


def test_the_accelerator_is_an_instance_of_the_module_that_is_emitted(files):
    """All of its ports are connected, and there are no others."""
    connections = re.search(rf"^  {SERIAL_TOP} \w+ \((.*?)\);", files[f"{BOARD}.v"], re.MULTILINE | re.DOTALL)[1]
    config = config_for(16, x_bytes=512, t_bytes=512, mask_bits=1024, entries=64, commands=8)
    ports = re.search(rf"^module {SERIAL_TOP}\((.*?)\);", serial_verilog(config, 50), re.MULTILINE)[1].split(", ")
    assert set(re.findall(r"\.(\w+)\(", connections)) == set(ports) == {"clk", "rst", "rx", "tx", "busy", "failed"}


def test_the_pll_makes_the_clock(files):
    """25 MHz / 5 * 16, with the oscillator at 400 MHz."""
    parameters = dict(re.findall(r"\.(CLK\w+_DIV)\(32'd(\d+)\)", files[f"{BOARD}.v"]))
    assert parameters == {"CLKI_DIV": "5", "CLKFB_DIV": "16", "CLKOP_DIV": "5"}


def test_the_same_bytes_every_time(files):
    assert board_files(Fraction(80)) == files


def test_the_part_is_that_of_the_board():
    assert NEXTPNR_OPTIONS == ("--85k", "--package", "CABGA381", "--speed", "6")
