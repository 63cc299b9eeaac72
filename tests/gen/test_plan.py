"""Where everything goes: nobody overwrites what is still needed, and the sizes add up."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.plan import Region, plan
from spec.block import Stem
from spec.config import config_for
from spec.hourglass import hourglass
from spec.layer import Role, Scale
from spec.supermask import Mode
from spec.topologies import residual_network

WIDTHS = st.lists(st.integers(1, 12).map(lambda n: 4 * n), min_size=1, max_size=3)


@st.composite
def networks(draw):
    """Small networks of any mode, with odd images."""
    widths = draw(WIDTHS)
    return residual_network(
        "random", image=(draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 3))),
        classes=draw(st.integers(2, 40)), widths=tuple(widths),
        iterations=tuple(draw(st.integers(0, 3)) for _ in widths), mode=draw(st.sampled_from(Mode)), seed=1,
    )


SHAPES = st.sampled_from([(4, 4, 1), (4, 16, 1), (8, 4, 2), (8, 32, 4), (16, 16, 16)])


def build(shape, **fields):
    groups, rows, weight_rows = shape
    return config_for(groups * rows, groups=groups, rows=rows, weight_rows=weight_rows, **fields)


def cells(region):
    return [(region.memory, word) for word in range(region.base, region.base + region.words)]


@given(networks(), SHAPES)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_layer_reads_what_was_written_for_it(network, shape):
    """Run the plan with names instead of numbers: each word knows which step wrote it last."""
    config = build(shape, x_bytes=1 << 20, t_bytes=1 << 20)
    placed = plan(network, config)
    config = build(shape, x_bytes=max(16, placed.x_words) * config.word_bytes, t_bytes=1 << 20)
    placed = plan(network, config)
    owner = dict.fromkeys(cells(placed.layers[0].source), "image")
    stream, branch, projected = "image", None, None
    for number, step in enumerate(network.steps):
        part, role = placed.of(step.layer), step.layer.role
        wanted = branch if role is Role.LAST else stream
        assert {owner.get(cell) for cell in cells(part.source)} == {wanted}, part.layer.name
        if role is Role.CLASSIFIER:
            assert part.destination is None
            return
        target = cells(part.destination)
        assert all(word < {"x": config.x_words, "t": config.t_words}[memory] for memory, word in target)
        assert not set(target) & set(cells(part.source)), "a layer must not write what it still reads"
        if part.residual is not None:
            expected = stream if projected is None else projected
            assert {owner.get(cell) for cell in cells(part.residual)} == {expected}
            assert part.residual == part.destination, "updated in place, word by word"
            assert part.residual_signed == (projected is not None)
        owner.update(dict.fromkeys(target, number))
        if role is Role.SHORTCUT:
            projected = number
        elif role is Role.INNER:
            branch = number
        else:
            stream, projected = number, None


@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3), st.sampled_from([3, 20]), SHAPES
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_every_layer_reads_what_was_kept_for_it(height, width, depth, stacks, channels, shape):
    """As above where maps are kept: nobody writes where one is that somebody still reads, and X is all in use once."""
    network = hourglass(
        "h", image=(height, width, 1), joints=3, width=channels, depth=depth, stacks=stacks, stem=Stem(3, 1, 1, 4)
    )
    config = build(shape, x_bytes=1 << 20, t_bytes=1 << 20)
    x_words = plan(network, config).x_words
    config = build(shape, x_bytes=max(16, x_words) * config.word_bytes, t_bytes=1 << 20)
    placed = plan(network, config)
    assert placed.x_words == x_words
    owner = dict.fromkeys(cells(placed.layers[0].source), None)
    for number, step in enumerate(network.steps):
        part = placed.of(step.layer)
        assert {owner[cell] for cell in cells(part.source)} == {step.source}, part.layer.name
        target = cells(part.destination)
        assert not set(target) & set(cells(part.source)), "a layer must not write what it still reads"
        assert all(word < {"x": config.x_words, "t": config.t_words}[memory] for memory, word in target)
        if part.residual is not None:
            assert {owner[cell] for cell in cells(part.residual)} == {step.residual}, part.layer.name
            assert part.residual == part.destination or not set(target) & set(cells(part.residual))
        assert part.residual_half == (step.scale is Scale.UP)
        owner.update(dict.fromkeys(target, number))
    assert part.destination.memory == "t"  # the maps


def test_words_of_an_hourglass_by_hand():
    """Maps of 8x8, 4x4, 2x2 of one word: all but the smallest are kept, and beside the last is its pool."""
    network = hourglass("h", image=(8, 8, 1), joints=3, width=16, depth=2, stem=Stem(3, 1, 1, 16))
    placed = plan(network, config_for(16))
    assert (placed.x_words, placed.t_words) == (64 + 16 + 4, 64)
    skip = placed.of(network.layer("stack1.skip2.conv2"))
    low = placed.of(network.layer("stack1.back2.conv2")).destination
    assert (skip.residual, skip.destination) == (low, placed.of(network.layer("enter.conv2")).destination)


@given(networks(), SHAPES, st.integers(16, 40))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_tiles_cover_each_layer_once(network, shape, psum_depth):
    config = build(shape, psum_depth=psum_depth)
    placed = plan(network, config)
    units, used = 0, []
    for part in placed.layers:
        layer = part.layer
        assert config.rows * (part.tiles - 1) < layer.outputs <= config.rows * part.tiles
        assert config.word_bytes * (part.blocks - 1) + 4 * part.last_groups >= layer.inputs
        assert config.word_bytes * (part.blocks - 1) + 4 * (part.last_groups - 1) < layer.inputs
        last = layer.outputs - config.rows * (part.tiles - 1)
        assert config.weight_rows * (part.last_rows - 1) < last <= config.weight_rows * part.last_rows
        assert part.run * (part.pixel_tiles - 1) + part.last_run == layer.positions
        assert 1 <= part.last_run <= part.run
        assert part.run <= psum_depth or layer.role is Role.CLASSIFIER
        unit = 1 if layer.mode is Mode.ONE_OF_FOUR else 2
        assert part.mask_unit % unit == 0
        assert part.mask_unit - units in (0, 1)
        fetches = part.weight_tiles * ((part.tiles - 1) * config.load_cycles + part.last_rows)
        assert part.mask_units == unit * fetches
        units = part.mask_unit + part.mask_units
        if layer.role is not Role.CLASSIFIER:
            step = placed.entry_steps.get(layer.block, 0)
            used += [row for t in range(layer.iterations)
                     for row in range(part.entry_row + t * step, part.entry_row + t * step + part.tiles)]
    assert units == placed.mask_units
    assert sorted(used) == list(range(placed.entry_rows))


def test_sizes_by_hand():
    """8x8x1 image, widths 4 then 8, one fold of 2, on 4x4: words of 16 channels, tiles of 4 rows."""
    network = residual_network("t", image=(8, 8, 1), classes=10, widths=(4, 8), iterations=(0, 2))
    placed = plan(network, config_for(16))
    assert placed.x_words == 64 + 16  # the 8x8 stream and the projected 4x4 one
    assert placed.t_words == 64  # the prepared image, and never more
    # Two units a row and tile, ky*kx tiles: stem 4 rows, entry 4, 4; then 8 rows: shortcut, four 3x3; classes 10.
    assert placed.mask_units == 2 * (4 + 9 * (4 + 4) + 8 + 9 * 4 * 8 + 10)
    assert placed.entry_rows == 1 + 2 + 3 * 2 + 2 * (2 + 2)
    assert placed.entry_steps == {"stage1.entry": 2, "stage2.entry": 6, "stage2.fold": 4}
    conv2 = placed.of(network.layer("stage2.entry.conv2"))
    assert conv2.source == Region("t", 0, 16)
    assert conv2.destination == Region("x", config_for(16).x_words - 16, 16)


@pytest.mark.parametrize(("mask_unit", "entry_row"), [(8, 3), (100, 50)])
def test_bases_move_masks_and_entries_only(mask_unit, entry_row):
    network = residual_network("t", image=(5, 5, 1), classes=3, widths=(4, 8), iterations=(2, 2), mode=Mode.ONE_OF_FOUR)
    here, there = plan(network, config_for(16)), plan(network, config_for(16), mask_unit=mask_unit, entry_row=entry_row)
    for a, b in zip(here.layers, there.layers, strict=True):
        assert b.mask_unit == a.mask_unit + mask_unit
        assert b.entry_row == a.entry_row + (entry_row if a.layer.role is not Role.CLASSIFIER else 0)
        assert (a.source, a.destination, a.residual) == (b.source, b.destination, b.residual)
    assert (here.mask_units, here.entry_rows) == (there.mask_units, there.entry_rows)


def test_iterations_cost_rows_of_entries_and_nothing_else():
    """However many there are: nothing is unrolled to place a network."""
    one, many = (
        residual_network("t", image=(4, 4, 1), classes=3, widths=(8,), iterations=(count,), mode=Mode.ANY)
        for count in (2, 4096)
    )
    few, placed = plan(one, config_for(16)), plan(many, config_for(16))
    assert [(p.source, p.destination, p.mask_unit) for p in placed.layers] == [
        (p.source, p.destination, p.mask_unit) for p in few.layers
    ]
    assert placed.entry_rows - few.entry_rows == (4096 - 2) * placed.entry_steps["stage1.fold"]


@pytest.mark.parametrize("mode", [Mode.ANY, Mode.ONE_OF_FOUR])
def test_masks_of_stacks_that_share_take_the_memory_of_one(mode):
    """Every layer without weights of its own has the mask of its owner; entries are everybody's own."""
    one, three = (
        hourglass("h", image=(8, 8, 1), joints=3, width=8, depth=2, stacks=stacks, mode=mode, shared=True)
        for stacks in (1, 3)
    )
    few, placed = plan(one, config_for(16)), plan(three, config_for(16))
    assert placed.mask_units == few.mask_units
    for part in placed.layers:
        assert part.mask_unit == few.of(one.layer(part.layer.tensor)).mask_unit
    assert len({part.entry_row for part in placed.layers}) == len(placed.layers)
    tiles = 2  # of 4 rows, for 8 channels
    assert placed.entry_rows - few.entry_rows == 2 * len(one.blocks[1:]) * 2 * tiles


def test_maps_of_stacks_that_share_lie_where_those_of_the_first_do():
    """So that a loop can run them all; X is that of one stack, and so is T."""
    one, three = (
        hourglass("h", image=(8, 8, 1), joints=3, width=8, depth=2, stacks=stacks, shared=True) for stacks in (1, 3)
    )
    few, placed = plan(one, config_for(16)), plan(three, config_for(16))
    assert (placed.x_words, placed.t_words) == (few.x_words, few.t_words)
    for layer in (*three.layers, *three.pools):
        name = re.sub("stack[23]", "stack1", layer.name)
        there = next(few.of(other) for other in (*one.layers, *one.pools) if other.name == name)
        part = placed.of(layer)
        assert (part.source, part.destination, part.residual) == (there.source, there.destination, there.residual)
