"""The benchmark's figures, from reports written by hand; the simulation itself is tested in sim."""

import json

import pytest

from flows.bench.cycles import cycle_row, digits_model, failed, size_row
from spec.supermask import Mode

REPORT = {
    "cycles_per_image_measured": 62000.0,
    "cycles_per_image_predicted": 31125,
    "dense_equivalent_macs_per_pe_and_cycle": 1.9,
    "simulated_cycles_per_s": 5.0,
    "image_bytes_per_image": 1036.0,
    "streamed_mask_bytes_per_image": 24.0,
    "output_bytes_per_image": 40.0,
    "conventional_bytes_per_image": 261_496,
    "traffic_saved_ratio": 240.0,
    "values_compared": 7,
    "mismatches": 0,
}


@pytest.mark.parametrize(("mode", "file_bits", "chip_bits"), [
    ("any", 1, 1), ("2of4", 1, 1), ("1of4", 0.5, 0.5), ("max1of4", 1, 1)
])
def test_sizes(mode, file_bits, chip_bits):
    row = size_row(digits_model(Mode(mode)), Mode(mode))
    assert row["weights"] == 169_232
    assert row["mask_bits_per_block_weight_on_chip"] == chip_bits
    # In the file only the stem's 9 channels are padded (to 12); in 1of4 stem and classifier keep 1 bit per weight.
    edges = 16 * 12 + 640
    assert row["mask_bits"] == edges + file_bits * (169_232 - 144 - 640)
    assert row["entry_bits_per_channel_and_iteration_on_chip"] == 32


def test_bytes_are_compared_with_dense_weights():
    model = digits_model(Mode.ANY)
    row = size_row(model, Mode.ANY)
    assert row["stored_bytes"] == model.mask_bits // 8 + 4 * model.entry_count
    assert row["dense_int8_over_stored"] == 169_232 / row["stored_bytes"]
    # The two stages of folded blocks run them three times instead of once: 261,496 bytes less image and logits.
    assert row["unfolded_int8_over_stored"] == (261_496 - 64 - 40) / row["stored_bytes"]


def test_cycles_are_compared_with_the_model():
    row = cycle_row(digits_model(Mode.ONE_OF_FOUR), Mode.ONE_OF_FOUR, 16, REPORT)
    assert row["measured_over_predicted"] == 62000 / 31125
    assert row["block_layer_cycles"] + sum(row["rest_cycles"].values()) == 31125
    assert set(row["rest_cycles"]) == {"stem", "classifier", "store logits", "halt"}
    # 1,933,312 MACs of the blocks, 4 a cycle on each of 16 PEs at best.
    assert row["block_layer_utilization"] == 1_933_312 / (4 * 16 * row["block_layer_cycles"])


@pytest.mark.parametrize("pe", [16, 64])
@pytest.mark.parametrize("mode", list(Mode))
def test_the_small_network_keeps_16_pes_busy(pe, mode):
    utilization = cycle_row(digits_model(mode), mode, pe, REPORT)["block_layer_utilization"]
    assert utilization >= 0.95 if pe == 16 else utilization >= 0.43


def test_bytes_over_the_pins_are_all_of_them():
    row = cycle_row(digits_model(Mode.ANY), Mode.ANY, 16, REPORT)
    assert row["pin_bytes_per_image"] == 1100
    assert row["pin_bytes_per_image_if_int8_weights_were_fetched"] == 261_496
    assert row["pin_bytes_saved_ratio"] == 240


@pytest.mark.parametrize(("changes", "wrong"), [({}, False), ({"mismatches": 1}, True), ({"cycles_measured": 5}, True)])
def test_a_wrong_value_or_cycle_is_a_failure(changes, wrong):
    good = {"mismatches": 0, "cycles_measured": 4, "cycles_predicted": 4}
    assert failed({"rows": [good, good | changes]}) is wrong


def test_json_keys_carry_units():
    row = cycle_row(digits_model(Mode.ANY), Mode.ANY, 16, REPORT)
    assert json.loads(json.dumps(row)) == row
