"""The records of every command: sums, traffic counted another way, and what was measured beside what was predicted."""

import json

import pytest

from gen.compile import compile_model
from gen.cycles import predict
from gen.layers import layers_json, memory_use, roofs
from gen.pages.figures import MODE_COLOURS
from rtl.base.ports import Cause
from spec.block import Stem
from spec.config import config_for
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network, rpg


def program_of(mode=Mode.TWO_OF_FOUR, config=None, trace=False, **changes):
    shape = {"image": (5, 6, 3), "classes": 10, "widths": (8, 20), "iterations": (2, 0)} | changes
    model = synthetic_model(residual_network("net", mode=mode, **shape), seed=1)
    return compile_model(model, config or config_for(16), trace=trace)


def counters(cycles):
    """What hardware counts that keeps to the cycle model."""
    return [
        {"TOTAL": c.cycles} | {cause.name: c.causes[cause] for cause in Cause} for c in cycles.commands
    ]


@pytest.fixture(scope="module")
def case():
    program = program_of()
    cycles = predict(program)
    return program, cycles, json.loads(json.dumps(layers_json(program, cycles, counters(cycles))))


def test_every_execution_has_its_record(case):
    program, _, data = case
    steps = [(step.layer.name, step.iteration) for step in program.model.network.steps]
    records = [record for record in data["commands"] if record["op"] in ("conv", "classify", "maxpool")]
    assert [(record["layer"], record["iteration"]) for record in records] == steps
    assert [record["label"] for record in data["commands"][len(steps):]] == ["store logits", "halt"]
    fold = next(record for record in records if record["layer"] == "stage1.fold.conv2" and record["iteration"] == 1)
    assert (fold["iterations"], fold["mode"], fold["passes"]) == (2, "2of4", 2)
    assert (fold["input_shape"], fold["output_shape"], fold["kernel"]) == ([5, 6, 8], [5, 6, 8], 3)


def test_cycles_add_up_to_the_total(case):
    _, cycles, data = case
    start = 0
    for record in data["commands"]:
        assert record["start_cycle_predicted"] == start
        start += record["cycles_predicted"]
        for kind in ("predicted", "measured"):
            assert sum(record[f"causes_cycles_{kind}"].values()) == record[f"cycles_{kind}"]
    totals = data["totals"]
    assert totals["cycles_predicted"] == totals["cycles_measured"] == cycles.total == start
    assert totals["causes_cycles_measured"] == {cause.name.lower(): n for cause, n in cycles.causes.items()}


def test_rates_are_of_the_cycles_that_were_measured():
    program = program_of()
    cycles = predict(program)
    slow = counters(cycles)
    slow[0]["TOTAL"] *= 2
    quick, slowed = (layers_json(program, cycles, measured)["commands"][0] for measured in ([], slow))
    assert (quick["cycles_measured"], slowed["cycles_measured"]) == (None, 2 * quick["cycles_predicted"])
    for key in ("dense_equivalent_macs_per_pe_and_cycle", "utilization_percent_of_mode_peak"):
        assert slowed[key] == quick[key] / 2
    stem = program.model.network.layers[0]
    assert quick["dense_equivalent_macs_per_pe_and_cycle"] == stem.macs / (16 * quick["cycles_predicted"])


def test_a_full_layer_by_hand():
    """3x3, 16 to 16 channels on 4x4 PEs, 30 pixels in one tile: 4 m-tiles of 9 weight tiles, 2 passes each."""
    data = layers_json(program := program_of(widths=(16,), iterations=(2,)), predict(program), [])
    conv2 = next(record for record in data["commands"] if record["layer"] == "stage1.fold.conv2")
    assert conv2["weight_tile_loads"] == 4 * 9 * 2
    assert conv2["mask_bits_fetched"] == 4 * 9 * 2 * 4 * 16  # four rows of 16 bits
    assert conv2["activation_bytes_read"] == 4 * 9 * 2 * 30 * 16 + 4 * 30 * 16  # words of the array, and residuals
    assert conv2["activation_bytes_written"] == 16 * 30
    assert conv2["macs_per_mask_bit"] == 30 / 2  # 30 pixels share a bit, which is fetched in both passes
    classifier, store = data["commands"][-3:-1]
    assert (classifier["activation_bytes_written"], classifier["weight_tile_loads"]) == (0, 3 * 2)
    assert (store["activation_bytes_read"], store["macs_per_mask_bit"]) == (0, None)


def test_rings_are_told_from_masks():
    """3 planes of 2 passes: a sixth of a quarter of the array's peak; every fetch reads its copies of the ring."""
    plain = residual_network("net", mode=Mode.TWO_OF_FOUR, image=(5, 6, 3), classes=10, widths=(16,), iterations=(2,))
    config = config_for(32, groups=8, rows=4, weight_rows=2, ring_words=64)
    program = compile_model(synthetic_model(rpg(plain, words=21, planes=3), seed=1), config)
    data = layers_json(program, predict(program), [])
    conv2 = next(record for record in data["commands"] if record["layer"] == "stage1.fold.conv2")
    assert (conv2["mode"], conv2["passes"], conv2["weight_tile_loads"]) == ("ring3", 6, 4 * 9 * 6)
    assert conv2["mask_bits_fetched"] == 4 * 9 * 6 * 2 * (32 * 4)  # two fetches of four words
    assert data["roofs"]["ring3"] == {"peak_macs_per_cycle": 4 * 32 / 6, "mask_port_bits_per_cycle": 32 * 4}
    assert data["memory_use"]["ring"] == {"used_bytes": 4 * 63, "available_bytes": 4 * 64}
    assert set(data["roofs"]) <= set(MODE_COLOURS)
    assert {str(mode) for mode in Mode} < set(MODE_COLOURS)


def test_streamed_masks_are_those_of_the_packets():
    program = program_of(config=config_for(16, mask_bits=4096))
    data = layers_json(program, predict(program), [])
    streamed = {part.layer.name for part in program.plan.layers if part.streamed}
    assert {record["layer"] for record in data["commands"] if record["mask_bytes_streamed"]} == streamed != set()
    assert data["totals"]["mask_bytes_streamed"] == sum(len(packet) - 12 for packet in program.stream_packets)


def test_memories(case):
    program, _, _ = case
    use = memory_use(program)
    assert {name: entry["available_bytes"] for name, entry in use.items()} == {
        "x": 32768, "t": 32768, "mask": 131072, "entries": 4 * 4096, "program": 64 * 128,
    }
    assert use["x"]["used_bytes"] == 16 * program.plan.x_words
    assert use["program"]["used_bytes"] == len(program.packets[0]) - 12
    assert use["entries"]["used_bytes"] == len(program.packets[-1]) - 12
    assert 0 <= len(program.packets[1]) - 12 - use["mask"]["used_bytes"] < 4


@pytest.mark.parametrize(("mode", "peak", "bits"), [
    (Mode.ANY, 32, 16), (Mode.TWO_OF_FOUR, 32, 16), (Mode.ONE_OF_FOUR, 64, 8),
])
def test_no_layer_is_above_its_roof(mode, peak, bits):
    program = program_of(mode, widths=(8, 16))
    roof = roofs(program)[str(mode)]
    assert roof == {"peak_macs_per_cycle": peak, "mask_port_bits_per_cycle": bits}
    for record in layers_json(program, predict(program), [])["commands"]:
        if record["passes"]:
            bound = roofs(program)[record["mode"]]
            assert 16 * record["dense_equivalent_macs_per_pe_and_cycle"] <= bound["peak_macs_per_cycle"]
            fetching = record["mask_bits_fetched"] / bound["mask_port_bits_per_cycle"]
            assert fetching <= record["cycles_predicted"] + 4  # the first tile comes while the layer before runs


def test_a_max_pool_reads_every_word_of_its_windows_and_writes_one():
    program = program_of(stem=Stem(3, 1, 1, 20, pool=True), widths=(20,), iterations=(0,))
    (record,) = [r for r in layers_json(program, predict(program), [])["commands"] if r["op"] == "maxpool"]
    words = 3 * 3 * 2  # a 5x6 map becomes 3x3; 20 channels are two words of 16
    assert (record["activation_bytes_read"], record["activation_bytes_written"]) == (words * 9 * 16, words * 16)


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_stored_tensor_is_read_from_one_lane_and_written_nowhere(lanes):
    program = program_of(config=config_for(16 * lanes, lanes=lanes), trace=True)
    records = [r for r in layers_json(program, predict(program), [])["commands"] if r["op"] == "store"]
    stem, logits = ([r["activation_bytes_read"] for r in records if what in r["label"]] for what in ("stem", "logits"))
    assert stem == [5 * 6 * 16] * lanes  # a word of 16 channels for each pixel
    assert logits == [0] * lanes  # sums, which are in no activation memory
    assert {r["activation_bytes_written"] for r in records} == {0}
