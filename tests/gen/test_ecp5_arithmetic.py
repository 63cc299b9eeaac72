"""Each part in cells of an ECP5 is the part: proved for all inputs by Yosys' solver.

Yosys describes all these cells but the multiplier, which ``mult18x18d.v`` does.
"""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from flows.tools.yosys import command
from gen.ecp5_arithmetic import ecp5_choice, ecp5_pair, ecp5_product, ecp5_shifters, ecp5_total, product_dsps
from gen.verilog import mapped_rtlil, verilog_of
from rtl.base.choice import CHOICE_MODULES
from rtl.lane.lane import MAPPED_MODULES, new_mapped
from rtl.lane.pair_sums import PAIR_MODULE
from rtl.lane.product import PRODUCT_MODULE
from rtl.lane.requantizer import BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT
from rtl.lane.total import TOTAL_MODULE
from spec.numerics import MASK_WIDTHS, RING_WIDTHS, narrowed

MULTIPLIER = Path(__file__).with_name("mult18x18d.v")
CHOICES = {module: ecp5_choice(count, module) for count, module in CHOICE_MODULES.items()}
MAPPED = "".join((ecp5_shifters(4), ecp5_product(), ecp5_pair(), ecp5_total(), *CHOICES.values()))


def equal(tmp_path, module, mapped=MAPPED, widths=MASK_WIDTHS):
    """Whether the solver proves that both say the same, from the third cycle on: registers come in pairs."""
    parts = {part.module: part for part in new_mapped(widths)}
    (tmp_path / "plain.v").write_text(verilog_of(mapped_rtlil(parts[module], "plain")))
    (tmp_path / "mapped.v").write_text(mapped)
    result = subprocess.run(command((
        "read_verilog -overwrite mapped.v", "read_verilog -overwrite +/ecp5/cells_sim.v",
        f"read_verilog {MULTIPLIER}",
        f"hierarchy -top {module}", "proc", "flatten", "read_verilog plain.v", "proc",
        f"miter -equiv -flatten -make_outputs plain {module} miter", "hierarchy -top miter", "proc", "flatten",
        "opt -full", "sat -verify -set-def-inputs -seq 3 -prove-skip 2 -prove trigger 0 miter",
    )), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "ERROR" not in result.stderr.replace("ERROR: Called with -verify and proof did fail!", ""), result.stderr
    return result.returncode == 0 and "SAT proof finished - no model found: SUCCESS!" in result.stdout


@pytest.mark.parametrize("module", MAPPED_MODULES)
def test_it_equals_the_plain_one(tmp_path, module):
    assert equal(tmp_path, module)


@pytest.mark.parametrize("bits", [16, 19])
@pytest.mark.parametrize("module", [WINDOW_SHIFT, TOTAL_MODULE])
def test_it_does_with_sums_of_fewer_bits(tmp_path, module, bits):
    widths = narrowed(MASK_WIDTHS, bits)
    mapped = ecp5_shifters(4, widths=widths) + ecp5_total(bits=bits)
    assert equal(tmp_path, module, mapped, widths)


def test_the_shifter_of_the_sums_of_a_ring_is_no_module():
    assert re.findall(r"^module (\w+)", ecp5_shifters(4, widths=RING_WIDTHS), re.MULTILINE) == [
        BIAS_SHIFT, RESIDUAL_SHIFT
    ]
    assert f"module {WINDOW_SHIFT} " in ecp5_shifters(4, widths=narrowed(RING_WIDTHS, 20))


def test_one_multiplier_will_do_for_sums_of_18_bits():
    assert [product_dsps(narrowed(MASK_WIDTHS, bits)) for bits in (16, 18, 19, 24)] == [1, 1, 2, 2]


@pytest.mark.parametrize(("module", "right", "wrong"), [
    (BIAS_SHIFT, "low[25:18] | high", "low[25:18]"),
    (RESIDUAL_SHIFT, "4'd1 << amount", "4'd1 << amount[0]"),
    (WINDOW_SHIFT, "low[29:16] | high[13:0]", "low[29:16]"), (PAIR_MODULE, ".A1(pairs)", ".A1(1'b1)"),
    (TOTAL_MODULE, ".D1(second[0])", ".D1(second[1])"), (PRODUCT_MODULE, "made_b = b", "made_b = {b[17:1], 1'b0}"),
])
def test_another_one_does_not(tmp_path, module, right, wrong):
    assert MAPPED.count(right) == 1
    assert not equal(tmp_path, module, MAPPED.replace(right, wrong))


def test_another_name_is_all_that_differs():
    assert ecp5_shifters(4, "other_{}".format) == ecp5_shifters(4).replace("module ", "module other_")
    assert ecp5_product("other") == ecp5_product().replace(PRODUCT_MODULE, "other")
    assert ecp5_pair("other") == ecp5_pair().replace(PAIR_MODULE, "other")
    assert ecp5_total("other") == ecp5_total().replace(TOTAL_MODULE, "other")


@pytest.mark.parametrize("count", CHOICE_MODULES)
def test_a_choice_takes_a_lut_for_two_bits(count):
    cells = re.findall(r"^ +(LUT4|PFUMX|L6MUX21) ", CHOICES[CHOICE_MODULES[count]], re.MULTILINE)
    assert Counter(cells) == {"LUT4": count // 2, "PFUMX": count // 4} | (
        {"L6MUX21": count // 4 - 1} if count > 4 else {}
    )


@pytest.mark.parametrize(("right", "wrong"), [("hcaca", "hacac"), ("index[1]", "index[0]"), (".BLUT(", ".ALUT(")])
def test_another_choice_does_not(tmp_path, right, wrong):
    module = CHOICE_MODULES[4]
    assert right in CHOICES[module]
    swapped = CHOICES[module].replace(".ALUT(", ".BLUT.").replace(right, wrong).replace(".BLUT.", ".BLUT(")
    assert not equal(tmp_path, module, swapped)


def test_carry_cells_choose_and_nothing_else_does():
    """Two halves a cell: nine bits and ten of a pair, 24 and the carry of a total, rounded up."""
    assert [re.findall(r"^ *(\w+) #\(", text, re.MULTILINE) for text in (ecp5_pair(), ecp5_total())] == [
        ["CCU2C"] * (5 + 5), ["CCU2C"] * 13
    ]


@pytest.mark.parametrize(("multipliers", "modules"), [
    (-1, []), (0, []), (1, [BIAS_SHIFT]), (2, [WINDOW_SHIFT]), (3, [WINDOW_SHIFT, BIAS_SHIFT]),
    (4, [WINDOW_SHIFT, BIAS_SHIFT, RESIDUAL_SHIFT]), (9, [WINDOW_SHIFT, BIAS_SHIFT, RESIDUAL_SHIFT]),
])
def test_no_more_multipliers_than_there_are(tmp_path, multipliers, modules):
    text = ecp5_shifters(multipliers)
    assert re.findall(r"^module (\w+)", text, re.MULTILINE) == modules
    (tmp_path / "shifters.v").write_text(text)
    found = 0
    for module in modules:
        result = subprocess.run(
            command(("read_verilog shifters.v", f"synth_ecp5 -noabc9 -top {module}", "stat")),
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )
        found += int(re.findall(r"(\d+) +MULT18X18D", result.stdout)[-1])
    assert found == max(0, min(multipliers, 4))
