"""Sites are where the hardware works, and the visits of a sum add up to the golden accumulator."""

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from sim.compare import Mismatch
from sim.visits import Visit, begins_plane, locate, partial_sums, visits
from spec import golden
from spec.config import config_for
from spec.layer import Role
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg


def program_of(mode=Mode.ANY, trace=True, **fields):
    network = residual_network("net", image=(5, 4, 3), classes=6, widths=(8, 20), iterations=(2, 0), mode=mode)
    return compile_model(synthetic_model(network, seed=1), config_for(16, **fields), trace=trace)


def mismatch_of(program, layer, iteration, place):
    return Mismatch("golden model", program.model.network.step(layer, iteration), place, 1, 2)


@pytest.mark.parametrize(("layer", "iteration", "place", "memory", "word", "part"), [
    ("stem", 0, (0, 0, 0), "x", 0, 0),
    ("stage1.fold.conv1", 1, (4, 3, 7), "t", 19, 1),
    ("stage2.entry.conv2", 0, (2, 1, 18), "x", 11, 0),  # 20 channels are two words; 2 rows of 2 pixels, then 1 pixel
])
def test_a_value_is_found_in_memory_and_time(layer, iteration, place, memory, word, part):
    program = program_of()
    site = locate(program, mismatch_of(program, layer, iteration, place))
    base = program.plan.of(program.model.network.layer(layer)).destination.base
    assert (site.memory, site.address - base, site.part) == (memory, word, part)
    command = predict(program).commands[site.command]
    assert (command.label, command.iteration) == (layer, iteration)
    assert (site.start, site.end) == (command.start, command.start + command.cycles)


def test_a_value_is_found_in_the_array():
    """Channel 18 on 4 rows is row 2 of m-tile 4; pixel 17 of 20, in tiles of 10, is pixel 7 of tile 1."""
    program = program_of(psum_depth=16)
    site = locate(program, mismatch_of(program, "stage1.fold.conv1", 0, (4, 1, 6)))
    assert (site.channel, site.m_tile, site.row) == (6, 1, 2)
    assert (site.pixel, site.pixel_tile, site.psum) == (17, 1, 7)
    assert site.skip == (2 * 1 + 1) * 9 * 2  # both pixel tiles of m-tile 0, and the first of m-tile 1


def test_short_pixel_tiles_do_not_visit_their_missing_pixels():
    """25 pixels in tiles of 13 and 12: pixel 12 is in the first one only."""
    network = residual_network("net", image=(5, 5, 3), classes=3, widths=(8,), iterations=(2,), mode=Mode.ANY)
    program = compile_model(synthetic_model(network, seed=1), config_for(16, psum_depth=16), trace=True)
    part = program.plan.of(network.layer("stage1.fold.conv1"))
    assert (part.run, part.last_run) == (13, 12)
    for place, tiles_before in (((2, 2, 5), 1), ((2, 1, 5), 2)):
        assert locate(program, mismatch_of(program, "stage1.fold.conv1", 1, place)).skip == tiles_before * 9 * 2


def test_visits_are_in_the_order_of_the_walk():
    program = program_of(Mode.TWO_OF_FOUR)
    order = visits(program, mismatch_of(program, "stage2.entry.conv2", 0, (0, 0, 0)))
    assert len(order) == 9 * 2 * 2
    assert order[:5] == [Visit(0, 0, 0, 0), Visit(0, 0, 0, 1), Visit(0, 0, 1, 0), Visit(0, 0, 1, 1), Visit(0, 1, 0, 0)]
    logits = visits(program, mismatch_of(program, "classifier", 0, (0,)))
    assert [(v.block, v.index, v.pixel) for v in logits[:7]] == [
        (0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3), (0, 0, 4), (0, 0, 5), (0, 1, 0),
    ]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("pe", [16, 64])
def test_partial_sums_end_in_the_accumulator(mode, pe):
    """Of every channel at three pixels of every layer."""
    network = residual_network("net", image=(5, 4, 3), classes=6, widths=(8, 20), iterations=(2, 0), mode=mode)
    program = compile_model(synthetic_model(network, seed=1), config_for(pe), trace=True)
    images = random_images(network, 2, seed=3)
    for execution in golden.executions(program.model, images):
        layer, acc = execution.layer, execution.acc[1]
        for channel in range(layer.outputs):
            for pixel in {0, 1, layer.positions - 1} if layer.role is not Role.CLASSIFIER else {0}:
                place = (*divmod(pixel, layer.out_width), channel) if acc.ndim == 3 else (channel,)
                mismatch = mismatch_of(program, layer.name, execution.iteration, place)
                sums = partial_sums(program, locate(program, mismatch), execution, 1)
                assert len(sums) == len(visits(program, mismatch))
                assert sums[-1] == acc[place]


def drawn_program():
    network = program_of(Mode.TWO_OF_FOUR).model.network
    network = rpg(network, words=23, planes=3, parts=("shortcut", "classifier"))
    return compile_model(synthetic_model(network, seed=1), config_for(16, ring_words=80), trace=True)


def test_planes_are_visited_from_the_highest():
    program = drawn_program()
    order = visits(program, mismatch_of(program, "stage2.entry.conv2", 0, (0, 0, 0)))
    assert len(order) == 3 * 9 * 2 * 2
    assert (order[0], order[-1]) == (Visit(0, 0, 0, 0, None, 2), Visit(2, 2, 1, 1, None, 0))
    assert [number for number in range(len(order)) if begins_plane(order, number)] == [36, 72]
    assert str(order[36]) == "plane 1, ky 0, kx 0, n-block 0, pass 0"
    assert not any(begins_plane(visits(program, mismatch_of(program, "stem", 0, (0, 0, 0))), n) for n in range(4))


def test_partial_sums_of_planes_end_in_the_accumulator():
    """Of every channel at the first and the last pixel; three times the sum of a plane goes into the next."""
    program = drawn_program()
    images = random_images(program.model.network, 2, seed=3)
    for execution in golden.executions(program.model, images):
        layer, acc = execution.layer, execution.acc[1]
        for channel in range(layer.outputs):
            for pixel in {0, layer.positions - 1} if layer.role is not Role.CLASSIFIER else {0}:
                place = (*divmod(pixel, layer.out_width), channel) if acc.ndim == 3 else (channel,)
                mismatch = mismatch_of(program, layer.name, execution.iteration, place)
                sums = partial_sums(program, locate(program, mismatch), execution, 1)
                assert len(sums) == len(visits(program, mismatch))
                assert sums[-1] == acc[place]


def test_a_partial_sum_by_hand():
    """The second pass of a tap adds the second pair of every group."""
    program = program_of(Mode.TWO_OF_FOUR)
    images = random_images(program.model.network, 1, seed=3)
    execution = next(e for e in golden.executions(program.model, images) if e.layer.name == "stage1.fold.conv1")
    sums = partial_sums(program, locate(program, mismatch_of(program, "stage1.fold.conv1", 0, (2, 2, 5))), execution, 0)
    trits, word = program.model.weights("stage1.fold.conv1")[5, 0, 0], execution.inputs[0, 1, 1].astype(int)
    expected = [0, 0]
    for group in (slice(0, 4), slice(4, 8)):
        for n in range(4):
            expected[n // 2] += int(trits[group][n] * word[group][n])
    assert np.diff(sums[:2], prepend=0).tolist() == expected
