"""The cycle model: by hand, by its own sums, and against the hardware's counters."""

import random
from dataclasses import replace

import pytest

from gen.compile import compile_model
from gen.cycles import predict
from rtl.base.ports import Cause
from spec.block import Stem
from spec.commands import Op
from spec.network import Network
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network


def flat(image, mode=Mode.TWO_OF_FOUR, classes=3, width=4, kernel=3):
    """Stem and classifier only: the array works so little that fetching commands takes longest."""
    stem = Stem(kernel, 1, kernel // 2, width)
    return Network("flat", 1, image, stem, (), classes, 0.3, {"stem": mode, "classifier": mode})


def pointwise(height, width, outputs):
    """A 1x1 stem of four channels in one pass: a result for every visit."""
    return flat((height, width, 4), Mode.ONE_OF_FOUR, width=outputs, kernel=1)


def small(image, mode=Mode.ONE_OF_FOUR, widths=(4,), iterations=(0,), classes=3):
    return residual_network("t", image=image, classes=classes, widths=widths, iterations=iterations, mode=mode, seed=3)


def test_by_hand(fitting):
    """2x2 image on 4x4 PEs, two passes; every number from the pipeline's stages.

    Stem: 18 cycles to fetch, weights asked for 4 after, 4 rows from 4 after: first swap at 26, second 4 words later
    at 30, last word at 34, 5 to the sum, 5 through the requantizer. The classifier is fetched by 37, begins at 45, its
    weights lie ready: swaps at 49 and 53, last word at 57, 5 to the sum. Its STORE is taken at 65 - 1, reads for 3
    cycles, sends 3 words.
    """
    model = synthetic_model(flat((2, 2, 1)), 1)
    commands = predict(compile_model(model, fitting(model.network))).commands
    assert [(c.label, c.start, c.cycles) for c in commands] == [
        ("stem", 0, 45), ("classifier", 45, 18), ("store logits", 63, 9), ("halt", 72, 1),
    ]
    assert [{cause.name: n for cause, n in command.causes.items() if n} for command in commands] == [
        {"ARRAY": 8, "WEIGHT_LOAD": 4, "DRAIN": 5, "REQUANTIZE": 5, "SEQUENCER": 45 - 8 - 4 - 5 - 5},
        {"ARRAY": 8, "DRAIN": 5, "SEQUENCER": 5},
        {"HOST": 3 + 3, "SEQUENCER": 3},
        {"SEQUENCER": 1},
    ]
    assert commands[0].macs == 4 * 4 * 9
    assert commands[0].utilization(16) == 4 * 4 * 9 * 2 / (4 * 16 * 45)


@pytest.mark.parametrize("seed", range(20))
def test_causes_add_up(fitting, seed):
    program = random_program(fitting, seed)
    model = predict(program)
    end = 0
    for command in model.commands:
        assert command.start == end
        assert sum(command.causes.values()) == command.cycles
        assert min(command.causes.values()) >= 0
        end += command.cycles
    assert model.total == end == sum(model.causes.values())
    kinds = {Cause.ARRAY: (Op.CONV, Op.CLASSIFY), Cause.REQUANTIZE: (Op.CONV,), Cause.HOST: (Op.STORE,)}
    executed = [command.op for command, _ in program.executed if command.op not in (Op.LOOP, Op.ENDLOOP)]
    for cause, ops in kinds.items():
        assert [command.causes[cause] > 0 for command in model.commands] == [op in ops for op in executed]
    assert sum(command.macs for command in model.commands) == program.model.network.macs
    useful = sum(
        placed.tiles * placed.weight_tiles * placed.layer.mode.passes * placed.layer.positions
        for command, _ in program.executed if (placed := command.placed) and command.label == placed.layer.name
    )
    assert model.causes[Cause.ARRAY] == useful


def random_program(fitting, seed):
    """A small random network on a small random build."""
    rng = random.Random(seed)
    widths = tuple(rng.choice([4, 8, 12, 20]) for _ in range(rng.randint(1, 2)))
    network = small(
        (rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 2)), rng.choice([Mode.TWO_OF_FOUR, Mode.ONE_OF_FOUR]),
        widths, tuple(rng.choice([0, 0, 2]) for _ in widths), rng.choice([2, 5, 19]),
    )
    groups, rows, weight_rows = rng.choice([(4, 4, 1), (4, 8, 2), (4, 16, 4), (8, 4, 4), (4, 4, 4)])
    turns = rng.choice([1, 2, 4, rows])
    config = fitting(
        network, groups * rows, groups=groups, rows=rows, weight_rows=weight_rows, rows_per_requantizer=turns
    )
    return compile_model(synthetic_model(network, seed), config, trace=rng.random() < 0.5)


CASES = {
    "fetch-is-the-bottleneck": (flat((1, 1, 1)), {}),
    "by-hand": (flat((2, 2, 1)), {}),
    "one-pixel": (small((1, 1, 1), widths=(4, 4), iterations=(2, 0)), {}),
    "several-pixel-tiles": (flat((5, 7, 1), width=8), {}),
    "fewer-classes-than-rows": (flat((2, 3, 1), classes=2), {"pe": 64}),
    "many-classes": (flat((2, 3, 1), classes=21, mode=Mode.ANY), {}),
    "slow-weights": (flat((2, 2, 1), width=16), {"pe": 64, "weight_rows": 1}),
    "fast-weights": (flat((3, 3, 1), width=16), {"pe": 64, "weight_rows": 16}),
    "several-blocks": (flat((2, 3, 4), width=20), {}),
}

#: Builds whose rows take turns: whether a run ever waits for requantizers, and why.
TURNS = {
    "one-visit-a-result": (pointwise(5, 7, 20), {"rows_per_requantizer": 4}, True),
    "two-visits": (flat((4, 8, 1), Mode.ANY, width=12), {"rows_per_requantizer": 4}, True),
    "as-many-visits-as-turns": (flat((4, 8, 1), Mode.ANY, width=12), {"rows_per_requantizer": 2}, False),
    "runs-shorter-than-the-turnaround": (pointwise(1, 3, 24), {"rows_per_requantizer": 4}, True),
    "one-pixel": (pointwise(1, 1, 24), {"rows_per_requantizer": 2}, False),
    "last-pixels-are-held-by-slow-weights": (
        pointwise(2, 3, 48), {"pe": 64, "weight_rows": 1, "rows_per_requantizer": 4}, True),
    "slow-weights-take-longer": (
        pointwise(2, 3, 48), {"pe": 64, "weight_rows": 1, "rows_per_requantizer": 2}, False),
    "one-requantizer": (flat((3, 3, 1), Mode.TWO_OF_FOUR, width=40), {"pe": 64, "rows_per_requantizer": 16}, True),
    "folds-and-residuals": (small((4, 5, 1), widths=(4, 8), iterations=(2, 0)), {"rows_per_requantizer": 4}, False),
    "the-pixel-held-comes-late": (
        flat((2, 4, 1), Mode.ANY, width=96), {"pe": 64, "weight_rows": 2, "rows_per_requantizer": 4}, True),
    "streamed": (small((4, 4, 1), widths=(16,)), {"rows_per_requantizer": 4, "mask_bits": 1920}, True),
}


def counted(inferences, program):
    """What the hardware counts on one image."""
    image, = random_images(program.model.network, 1, 0)
    inference, = inferences(program, [image])
    return inference.counts


def expected(program):
    model = predict(program)
    return {"TOTAL": model.total} | {cause.name: cycles for cause, cycles in model.causes.items()}


@pytest.mark.parametrize("case", CASES)
def test_counters_equal_the_model(inferences, fitting, case):
    network, fields = CASES[case]
    program = compile_model(synthetic_model(network, 1), fitting(network, **fields))
    assert counted(inferences, program) == expected(program)


@pytest.mark.parametrize("case", TURNS)
def test_counters_equal_the_model_where_rows_take_turns(inferences, fitting, case):
    network, fields, waits = TURNS[case]
    program = compile_model(synthetic_model(network, 1), fitting(network, **fields))
    assert program.stream_packets or "mask_bits" not in fields
    alone = compile_model(program.model, replace(program.config, rows_per_requantizer=1))
    ends = sum(command.op is Op.CONV for command, _ in program.executed)
    more = predict(program).total - predict(alone).total
    # The last tile has its turns, behind a pixel of the tile before; its sums are written, read and chosen among.
    after = (fields["rows_per_requantizer"] - 1) * (1 + max(p.last_run for p in program.plan.layers)) + 4
    assert (more > ends * after) == waits, "the case is not what it is named"
    assert counted(inferences, program) == expected(program)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 2, 3, 4))])
def test_counters_equal_the_model_of_random_networks(inferences, fitting, seed):
    program = random_program(fitting, seed)
    assert counted(inferences, program) == expected(program)
