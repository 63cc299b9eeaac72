"""Results of another shape are refused by the name of the key."""

import copy

import pytest

from flows.report.shapes import ENERGY, SIMULATION, SYNTHESIS, WAVES, check_like, check_shape
from spec.refusal import Refused

ROUTE = {"fmax_mhz": 80.5, "tool": "t", "version": "1", "seed": 1}
RECORDS = {
    "energy": (ENERGY, {"caveat": "c", "split_uj_per_image": {"a": 0.5}, "total_uj_per_image": 1}),
    "waves": (WAVES, {"text": "t", "first_cycle": 3, "signals": [{"name": "n", "width": 1, "values": [0, None]}]}),
    "simulation": (SIMULATION, {"stall_probability": 0.0, "values_compared": 9, "mismatches": 0, "more": []}),
    "synthesis": (SYNTHESIS, {
        "config": {"groups": 4}, "part": "p", "route": ROUTE,
        "synthesis": {"components": {"host": {"lut": 5}}, "resources": {"lut": {"used": 1, "of": 2}}, "lut_per_pe": 1.0,
                      "tool": "y", "version": "1", "stage": "s", "counted": "c"},
    }),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_good_records(kind):
    shape, record = RECORDS[kind]
    check_shape(record, shape, "File f:")
    check_like(record, record, "File f:")


def test_a_synthesis_without_route():
    shape, record = RECORDS["synthesis"]
    check_shape(record | {"route": None}, shape, "File f:")


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [1], True])
def test_any_key_of_another_type(kind, value):
    shape, record = RECORDS[kind]
    for key in shape:
        if key == "config" or (key == "route" and value is None) or (type(value) is type(record[key]) and value):
            continue
        if value == 3 and key in ("total_uj_per_image", "stall_probability"):
            continue
        wrong = copy.deepcopy(record) | {key: value}
        with pytest.raises(Refused, match=rf"^File f:\.{key} .*; make the file again$"):
            check_shape(wrong, shape, "File f:")


@pytest.mark.parametrize("kind", RECORDS)
def test_any_key_missing(kind):
    shape, record = RECORDS[kind]
    for key in shape:
        with pytest.raises(Refused, match=f"^File f: lacks the key {key}; make the file again$"):
            check_shape({name: value for name, value in record.items() if name != key}, shape, "File f:")


def test_places_inside():
    shape, record = copy.deepcopy(RECORDS["waves"])
    record["signals"][0]["values"][1] = "x"
    with pytest.raises(Refused, match=r"^File f:\.signals\[0\]\.values\[1\] is of a wrong type: 'x'"):
        check_shape(record, shape, "File f:")


EXAMPLE = {"a": 1, "b_predicted": {"x": 1}, "b_measured": None, "c": [{"d": "t"}, {"d": "u", "e": None}], "f": True}


@pytest.mark.parametrize("change", [{"b_measured": {"x": 2}}, {"a": 2.5}, {"c": [{"d": "v"}, {"d": "w", "e": 3}]}])
def test_what_is_like_an_example(change):
    check_like(EXAMPLE | change, EXAMPLE, "File f:")


@pytest.mark.parametrize(("change", "where"), [
    ({"a": "x"}, r"\.a is of a wrong type"), ({"a": None}, r"\.a is of"), ({"b_measured": 3}, r"\.b_measured must be"),
    ({"b_measured": {"x": None}}, r"\.b_measured\.x is of"), ({"c": [{"d": "t"}]}, r"\.c must be a list of 2"),
    ({"c": [{"d": "t"}, {"d": "u"}]}, r"\.c\[1\] lacks the key e"), ({"c": {}}, r"\.c must be"),
    ({"f": 1}, r"\.f must be true or false"),
])
def test_what_is_not(change, where):
    with pytest.raises(Refused, match=f"^File f:{where}.*; make the file again$"):
        check_like(EXAMPLE | change, EXAMPLE, "File f:")
