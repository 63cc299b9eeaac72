"""Diagnoses of made-up mistakes, whose cause is known."""

import dataclasses
import json

import numpy as np
import pytest

from gen.compile import compile_model
from sim.compare import Mismatch, first_mismatch
from sim.divergence import Watched, examine
from sim.visits import locate, partial_sums
from spec import golden
from spec.block import Block, Stem
from spec.config import config_for
from spec.layer import Role
from spec.lfsr import ROW_STRIDE, SIGNS
from spec.supermask import Mode, passes_of
from spec.synthetic import random_images, synthetic_model
from spec.topologies import network_of_parts, residual_network, rpg


@pytest.fixture(scope="module")
def case():
    network = residual_network("net", image=(5, 4, 3), classes=6, widths=(8, 20), iterations=(3, 0), mode=Mode.ANY)
    model = synthetic_model(network, seed=1)
    return compile_model(model, config_for(16), trace=True), random_images(network, 1, seed=3)


def diagnose(case, step, change=None, sums=lambda expected: expected, got=None):
    """Examine the golden trace of one image with the tensor of ``step`` changed, and the sums that were seen."""
    program, images = case
    trace = golden.run(program.model, images)
    tensors = [stored.values[0].copy() for stored in trace.stored] + [trace.logits[0].copy()]
    index = [(f.step.layer.name, f.step.iteration) for f in program.frames].index(step)
    tensors[index] = change(tensors[index])
    mismatch = first_mismatch("golden model", trace, 0, program.frames, tensors)
    assert mismatch is not None, "nothing was changed, so this tests nothing"

    def watch(site, expected):
        seen = sums(list(expected))
        return Watched(900, tuple(seen), tuple(range(500, 500 + len(seen))), mismatch.got if got is None else got)

    return examine(program, mismatch, images, 0, tensors[index], watch)


def execution_of(case, step):
    program, images = case
    return next(e for e in golden.executions(program.model, images) if (e.layer.name, e.iteration) == step)


def touched(place):
    def change(tensor):
        tensor[place] ^= 1
        return tensor

    return change


def test_a_wrong_visit_is_named(case):
    step = ("stage1.fold.conv1", 1)
    found = diagnose(case, step, touched((2, 3, 6)), lambda sums: sums[:7] + [s + 3 for s in sums[7:]])
    assert found.verdict == "sum"
    assert dataclasses.astuple(found.step) == (1, 0, 0, 1, None, None)  # 7 = 3 taps of 2 passes, and 1
    assert (found.site.row, found.site.m_tile, found.site.pixel) == (2, 1, 11)
    assert (found.moment, found.stored, found.sums[1] - found.sums[0]) == (507, 900, 3)
    layer = case[0].model.network.layer(step[0])
    seed = case[0].model.network.seed_of(layer)
    assert found.seed_state == SIGNS.jump(seed, 2 * ROW_STRIDE)
    assert found.row_state == SIGNS.jump(seed, 6 * ROW_STRIDE)
    data = json.loads(json.dumps(found.as_json()))
    assert data["visit"] == {"ky": 1, "kx": 0, "block": 0, "index": 1, "pixel": None, "plane": None}
    assert (data["layer"], data["iteration"], data["place"]) == ("stage1.fold.conv1", 1, [2, 3, 6])
    text = str(found)
    assert "computed by row 2 of m-tile 1, pixel 11 in pixel tile 0, in 18 visits" in text
    assert "first wrong partial sum: after ky 1, kx 0, n-block 0, pass 1: expected" in text
    assert f"{found.row_state:#010x} at its first weight of channel 6" in text


def test_a_plane_that_does_not_triple_is_told():
    """The sum before the second of two planes counts once; the visit is right but for that."""
    network = residual_network("net", image=(5, 4, 3), classes=6, widths=(8,), iterations=(2,), mode=Mode.ANY)
    model = synthetic_model(rpg(network, words=23, planes=2), seed=1)
    drawn = compile_model(model, config_for(16, ring_words=48), trace=True), random_images(network, 1, seed=3)

    def lost(sums):
        assert sums[17], "nothing is lost, so this tests nothing"
        return sums[:18] + [s - 2 * sums[17] for s in sums[18:]]

    found = diagnose(drawn, ("stage1.fold.conv1", 1), touched((2, 3, 6)), lost)
    assert dataclasses.astuple(found.step) == (0, 0, 0, 0, None, 0)
    assert found.findings[-1] == "a new plane begins here, and the partial sum before it was not counted three times"
    assert "in 36 visits: 2 planes > 3x3 taps > n-blocks > 2 passes" in str(found)


def test_padding_is_told(case):
    found = diagnose(case, ("stage1.entry.conv1", 0), touched((0, 0, 0)), lambda sums: [s + 40 for s in sums])
    assert any("meets padding (y -1, x -1 of a 5x4 map)" in text for text in found.findings)


@pytest.mark.parametrize(("kind", "text"), [
    ("sign", "a sign turned round in input channel"), ("mask", "a mask bit flipped in input channel"),
])
def test_the_weight_that_would_explain_it_is_named(case, kind, text):
    """Damage one weight of tap (1, 1), and rebuild every sum from then on."""
    program, _ = case
    step, place = ("stage1.fold.conv2", 2), (2, 2, 5)
    trits = program.model.weights(step[0])[5, 1, 1]
    word = execution_of(case, step).inputs[0, 2, 2].astype(int)
    n = next(n for n in np.flatnonzero(trits) if word[n])
    wrong = -(2 if kind == "sign" else 1) * int(trits[n] * word[n])
    found = diagnose(case, step, touched(place), lambda sums: sums[:8] + [s + wrong for s in sums[8:]])
    assert any(finding.startswith(f"{text} {n} would explain") for finding in found.findings)


def test_a_sum_that_does_not_start_at_zero_is_told(case):
    """The first visit adds to what the same psum address held in the m-tile before: channel 0 of the same pixel."""
    program, _ = case
    step, place = ("stage1.fold.conv1", 0), (0, 1, 4)
    below = Mismatch("golden model", program.model.network.step(step[0]), (0, 1, 0), 1, 2)
    left = int(partial_sums(program, locate(program, below), execution_of(case, step), 0)[-2])
    assert left, "nothing was left, so this tests nothing"
    found = diagnose(case, step, touched(place), lambda sums: [s + left for s in sums])
    assert dataclasses.astuple(found.step)[:4] == (0, 0, 0, 0)
    assert found.findings[-1].endswith("the sum did not start at 0")


def test_a_lost_partial_sum_is_told(case):
    """A visit that adds what it should, but to 0."""
    step, place = ("stage1.fold.conv1", 0), (2, 2, 5)

    def sums(expected):
        return expected[:10] + [s - expected[9] for s in expected[10:]]

    found = diagnose(case, step, touched(place), sums)
    assert found.step.ky * 6 + found.step.kx * 2 + found.step.index == 10
    assert found.findings[-1] == "it is right but for its start: the partial sum before it was lost"


def requantized(case, step, **changes):
    """The tensor of ``step`` from its golden sums, requantized in another way."""
    execution = execution_of(case, step)
    numbers = case[0].model.requantizations[step[0]]
    residual = 0 if execution.residual is None else execution.residual[0].astype(np.int64)
    values = numbers.apply(
        execution.acc[0], changes.get("iteration", step[1]), changes.get("residual", residual)
    )
    return lambda tensor: values.astype(tensor.dtype)


@pytest.mark.parametrize(("step", "changes", "text"), [
    (("stage1.fold.conv2", 2), {"residual": 0}, "as found if the residual is left out"),
    (("stage1.fold.conv1", 1), {"iteration": 0}, "are read from row 6 (iteration 0) of the entry memory, not 10"),
])
def test_a_mistake_of_the_requantizer_is_named(case, step, changes, text):
    found = diagnose(case, step, requantized(case, step, **changes))
    assert (found.verdict, found.step, found.moment) == ("requantizer", None, 900)
    assert len(found.findings) == 1
    assert found.findings[0].endswith(text)


def test_entries_of_another_layer_with_the_same_weights_are_named():
    """A loop whose entries do not move: a later block reads those of the first."""
    blocks = (Block("a", 20), Block("b", 20), *(Block(f"{name}2", 20, weights_of=name) for name in "ab"))
    network = network_of_parts("net", (5, 4, 3), Stem(3, 1, 1, 20), blocks, 6, Mode.ANY, 0.3, 1)
    shared = compile_model(synthetic_model(network, seed=1), config_for(16), trace=True), random_images(network, 1, 3)
    execution, numbers = execution_of(shared, ("b2.conv1", 0)), shared[0].model.requantizations["b.conv1"]
    values = numbers.apply(execution.acc[0], 0)
    found = diagnose(shared, ("b2.conv1", 0), lambda tensor: values.astype(tensor.dtype))
    first, second = (shared[0].plan.of(network.layer(f"{name}.conv1")).entry_row for name in ("b", "b2"))
    assert second - first == 20  # farther than what is tried anyway
    assert found.findings == (
        f"all 400 values of this execution are as found if its batch-norm entries are read from row {first} (layer "
        f"b.conv1, iteration 0) of the entry memory, not {second}",
    )


@pytest.mark.parametrize(("bits", "step"), [(6, ("stage1.fold.conv2", 1)), (4, ("stage2.entry.shortcut", 0))])
def test_bytes_where_there_should_be_fewer_bits_are_named(case, bits, step):
    model = synthetic_model(case[0].model.network, seed=1, bits=bits)
    narrow = compile_model(model, config_for(16), trace=True), case[1]
    execution, numbers = execution_of(narrow, step), dataclasses.replace(model.requantizations[step[0]], bits=8)
    residual = 0 if execution.residual is None else execution.residual[0].astype(np.int64)
    values = numbers.apply(execution.acc[0], step[1], residual)
    found = diagnose(narrow, step, lambda tensor: values.astype(tensor.dtype))
    text = f"values of this execution are as found if values are saturated to 8 bits, not to {bits}"
    assert any(finding.endswith(text) for finding in found.findings)


def test_the_word_of_another_pixel_is_named(case):
    """Tap (1, 1) of pixel (2, 2) meets the word of (2, 3) instead, in all of its passes."""
    program, _ = case
    step, place = ("stage1.fold.conv1", 0), (2, 2, 5)
    execution = execution_of(case, step)
    trits, words = program.model.weights(step[0])[5, 1, 1].astype(int), execution.inputs[0].astype(int)
    added = passes_of(execution.layer.inputs, execution.layer.mode)
    moved = [int(((words[2, 3] - words[2, 2]) * trits * (added == i)).sum()) for i in range(2)]

    def sums(expected):
        wrong = np.concatenate([np.zeros(8), np.cumsum(moved), np.full(8, sum(moved))])
        return (np.array(expected) + wrong.astype(int)).tolist()

    found = diagnose(case, step, touched(place), sums)
    assert any("the word (y 2, x 3, n-block 0) in place of (y 2, x 2, n-block 0)" in text for text in found.findings)


def test_one_wrong_channel_points_at_its_entry(case):
    def change(tensor):
        tensor[..., 5] ^= 1
        return tensor

    found = diagnose(case, ("stage1.fold.conv1", 1), change)
    assert "look at the batch-norm entry of channel 5" in found.findings[0]
    assert "in 1 of 8 channels (5), all of row 1" in found.pattern


def test_a_wrong_logit(case):
    """Sums of the classifier run over positions, too."""
    classifier = case[0].model.network.layers[-1]
    assert (classifier.role, classifier.positions) == (Role.CLASSIFIER, 6)
    found = diagnose(case, ("classifier", 0), touched((5,)), lambda sums: sums[:8] + [s - 9 for s in sums[8:]])
    assert dataclasses.astuple(found.step) == (0, 0, 0, 1, 2, None)  # the second pass begins after 6 positions
    assert (found.verdict, found.site.row, found.site.m_tile) == ("sum", 1, 1)
    right = diagnose(case, ("classifier", 0), touched((5,)))
    assert right.verdict == "read-out"


def test_what_does_not_happen_again_is_said(case):
    step = ("stem", 0)
    value = int(execution_of(case, step).values[0, 0, 0, 0])
    found = diagnose(case, step, touched((0, 0, 0)), got=value)
    assert found.verdict == "not reproduced"
    assert "right when this image is run alone" in str(found)


def test_sums_that_were_not_seen_are_not_called_right(case):
    found = diagnose(case, ("stem", 0), touched((0, 0, 0)), lambda sums: sums[:3])
    assert (found.verdict, found.sums) == ("sums not seen", None)
