"""Ours beside others: a cell that nobody published is empty, not zero."""

from flows.bench.cifar10 import other_rows
from flows.tables.beside import cifar10, nngen

OURS = {
    "system": "ours: net, 256 PEs", "part": "LFE5U-85F, speed grade 6, CABGA756", "data": "CIFAR-10 (JPEG q75 copy)",
    "top1": 84.75, "images_per_s": 1499.04, "lut": 24434, "ff": 16084, "bram": 127, "dsp": 32, "mhz": 110.0,
    "mac_per_cycle_per_lut": 0.02774, "uj_per_image": None, "source": "nextpnr, seed 1, routed",
}


def test_ours_come_first_and_what_is_unknown_is_empty():
    lines = cifar10({"rows": [OURS], "others": other_rows()}).splitlines()[2:]
    assert lines[0] == (
        "| ours: net, 256 PEs, LFE5U-85F | CIFAR-10 (JPEG q75 copy) | 84.75 | 1,499 | 24,434 | 16,084 | 127 | 32 | "
        "110.0 | 0.0277 |  | nextpnr, seed 1, routed |"
    )
    assert (
        "| fpgaConvNet, ZedBoard | CIFAR-10 | 86.00 | 2,431 | 47,000 |  |  | 211 | 143.0 |  |  | "
        "MLPerf Tiny v1.1, closed |"
    ) in lines
    assert "| STM32U3, chip | CIFAR-10 | 87.00 | 5.5 |  |  |  |  |  |  | 965.0 | MLPerf Tiny v1.3 |" in lines
    assert "| FracBNN, Ultra96 | CIFAR-10 | 89.10 |  |  |  |  |  |  |  |  | its README |" in lines


def test_a_synthesis_that_did_not_end_leaves_its_cells_empty():
    late = {
        "design": "NNgen, 9 multipliers", "cycles": 17_633, "mac_per_cycle": 8.3625, "lut": None, "ff": None,
        "bram": None, "dsp": None, "mac_per_cycle_per_lut": None, "note": "synthesis did not end in 500 s",
    }
    line = "| NNgen, 9 multipliers | 17,633 | 8.36 |  |  |  |  |  | synthesis did not end in 500 s |"
    assert nngen({"rows": [late]}).splitlines()[2:] == [line]
