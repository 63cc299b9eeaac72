"""Scales as they are written down, and what is read in which of them."""

import pytest

from spec.refusal import Refused
from spec.topologies import residual_network
from train.nets.scales import FineTuning, Scales, read_steps, stages

NETWORK = residual_network("t", image=(8, 8, 1), classes=10, widths=(4, 8), iterations=(0, 2))
STEPS = {layer.name: 0.5 + layer.index for layer in NETWORK.layers[:-1]}
TUNING = FineTuning("ab" * 32, 4, "auto", 512, "mse", 0.97, STEPS, {"stage2.entry.conv2": -1})


def test_a_layer_reads_the_step_of_who_wrote_last():
    assert read_steps(NETWORK, Scales(STEPS, {})) == {
        "stem": 1 / 255, "stage1.entry.conv1": STEPS["stem"], "stage1.entry.conv2": STEPS["stage1.entry.conv1"],
        "stage2.entry.shortcut": STEPS["stage1.entry.conv2"], "stage2.entry.conv1": STEPS["stage1.entry.conv2"],
        "stage2.entry.conv2": STEPS["stage2.entry.conv1"], "stage2.fold.conv1": STEPS["stage2.entry.conv2"],
        "stage2.fold.conv2": STEPS["stage2.fold.conv1"], "classifier": STEPS["stage2.fold.conv2"],
    }


def test_a_shortcut_begins_a_stage():
    assert [[layer.name for layer in stage] for stage in stages(NETWORK)] == [
        ["stem", "stage1.entry.conv2"], ["stage2.entry.conv2", "stage2.fold.conv2"],
    ]


@pytest.mark.parametrize(("bits", "whole", "half"), [(8, (0, 255), (-128, 127)), (5, (0, 31), (-16, 15))])
def test_ranges(bits, whole, half):
    scales = Scales(STEPS, {"stage2.entry.conv2": 0}, bits)
    stem, shortcut, inner, last, fold = (NETWORK.layer(name) for name in (
        "stem", "stage2.entry.shortcut", "stage2.entry.conv1", "stage2.entry.conv2", "stage2.fold.conv2"
    ))
    assert (scales.range_of(stem), scales.range_of(shortcut), scales.range_of(last)) == (whole, half, whole)
    assert [scales.residual_range(layer) for layer in (inner, shortcut, last, fold)] == [(0, 0), (0, 0), half, whole]
    assert [scales.largest_input(layer) for layer in (stem, shortcut, NETWORK.layers[-1])] == [255, whole[1], whole[1]]


def test_fine_tuning_round_trips():
    assert FineTuning.from_json(TUNING.to_json()) == TUNING
    assert TUNING.scales == Scales(STEPS, {"stage2.entry.conv2": -1}, 4)


@pytest.mark.parametrize(("change", "message"), [
    ({"bits": "4"}, "Key finetuning.bits must be of type int, not '4'"),
    ({"more": 1}, r"Unknown key finetuning\.more"),
    ({"steps": {"stem": 1}}, "Key finetuning.steps must map layer names to float, not {'stem': 1}"),
    ({"residual_shifts": []}, r"Key finetuning.residual_shifts must map layer names to int, not \[\]"),
])
def test_odd_fine_tuning_is_refused(change, message):
    with pytest.raises(Refused, match=message):
        FineTuning.from_json(TUNING.to_json() | change)
