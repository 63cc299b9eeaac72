"""What protection costs, from synthesis records written by hand."""

import argparse

import pytest

from flows.bench import protection
from spec.config import config_for
from spec.refusal import Refused


def record(protect, lut):
    resources = {"lut": {"used": lut}, "ff": {"used": 7}, "bram": {"used": 3 + protect}}
    return {
        "config": config_for(16, protect=protect).to_json(), "target": "ecp5", "synthesis": {"resources": resources},
    }


@pytest.mark.parametrize(("lut", "failed"), [(1000, False), (1030, False), (1031, True)])
def test_the_goal_is_three_percent_of_the_luts(lut, failed):
    row = protection.protection_row({"none": record(False, 1000), "parity": record(True, lut)})
    assert (row["pe"], row["lut_ratio"]) == (16, lut / 1000)
    assert (row["none"]["bram"], row["parity"]["bram"]) == (3, 4)
    assert row["cycles"]["none"] == row["cycles"]["parity"] > 1000
    assert protection.failed({"rows": [row]}) is failed
    assert protection.failed({"rows": [row | {"cycles": {"none": 1000, "parity": 1001}}]})
    (table,) = protection.tables({"rows": [row]})
    assert table.row_count == 1


def test_a_size_without_a_shape_is_refused():
    with pytest.raises(Refused, match=r"^Option --protection-pe must be one of .*, not 17$"):
        protection.check(argparse.Namespace(protection_pe=17))
