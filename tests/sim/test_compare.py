"""Mismatches are found, and named by layer, iteration and place."""

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from sim.compare import command_counters, expected_counters, first_mismatch, first_wrong_command, value_count
from spec.config import config_for
from spec.golden import run
from spec.registers import COUNTERS
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module")
def case():
    """Program, golden trace of two images, and the tensors that right hardware would give for image 1."""
    network = residual_network("net", image=(5, 4, 3), classes=3, widths=(8, 12), iterations=(2, 0), mode=Mode.ANY)
    model = synthetic_model(network, seed=1)
    trace = run(model, random_images(network, 2, seed=1))
    tensors = [stored.values[1] for stored in trace.stored] + [trace.logits[1]]
    return compile_model(model, config_for(16), trace=True), trace, tensors


def test_equal_tensors_have_no_mismatch(case):
    program, trace, tensors = case
    assert first_mismatch("golden model", trace, 1, program.frames, tensors) is None
    assert value_count(tensors) == sum(stored.values[1].size for stored in trace.stored) + 3


def test_frames_and_golden_model_have_the_same_order(case):
    program, trace, _ = case
    order = [(frame.step.layer.name, frame.step.iteration) for frame in program.frames[:-1]]
    assert order == [(stored.layer.name, stored.iteration) for stored in trace.stored]


def test_the_first_mismatch_is_named(case):
    program, trace, tensors = case
    order = [(frame.step.layer.name, frame.step.iteration) for frame in program.frames]
    index = order.index(("stage1.fold.conv2", 1))
    damaged = [tensor.copy() for tensor in tensors]
    damaged[index][2, 3, 5] ^= 4
    damaged[-1][0] += 1
    mismatch = first_mismatch("golden model", trace, 1, program.frames, damaged)
    expected = int(tensors[index][2, 3, 5])
    assert str(mismatch) == (
        f"layer stage1.fold.conv2 iteration 1 (y 2, x 3, channel 5): "
        f"expected {expected} (golden model), got {expected ^ 4}"
    )


def test_a_wrong_logit_is_named(case):
    program, trace, tensors = case
    damaged = [*tensors[:-1], tensors[-1] + np.array([0, 0, 3], np.int32)]
    mismatch = first_mismatch("torch", trace, 1, program.frames, damaged)
    logit = int(tensors[-1][2])
    assert str(mismatch) == f"layer classifier iteration 0 (class 2): expected {logit} (torch), got {logit + 3}"


def test_another_shape_is_an_error(case):
    program, trace, tensors = case
    with pytest.raises(ValueError, match=r"Layer stem gave shape \(4, 4, 8\), but golden model \(5, 4, 8\)"):
        first_mismatch("golden model", trace, 1, program.frames, [tensors[0][1:], *tensors[1:]])


def test_the_cycle_model_speaks_of_the_same_counters(case):
    program, _, _ = case
    counters = expected_counters(predict(program))
    assert list(counters) == [name for name, _ in COUNTERS]
    assert counters["TOTAL"] == sum(cycles for name, cycles in counters.items() if name != "TOTAL")


def test_counters_at_the_ends_make_counters_of_commands():
    at_ends = [{"TOTAL": 5, "ARRAY": 2}, {"TOTAL": 12, "ARRAY": 2}, {"TOTAL": 13, "ARRAY": 3}]
    assert command_counters(at_ends, ["TOTAL", "ARRAY"]) == [
        {"TOTAL": 5, "ARRAY": 2}, {"TOTAL": 7, "ARRAY": 0}, {"TOTAL": 1, "ARRAY": 1},
    ]
    assert command_counters(at_ends, ["TOTAL"]) == [{"TOTAL": 5}, {"TOTAL": 7}, {"TOTAL": 1}]


def test_the_first_command_off_the_cycle_model_is_named(case):
    program, _, _ = case
    cycles = predict(program)
    measured = [{cause.name: count for cause, count in command.causes.items()} for command in cycles.commands]
    assert first_wrong_command(cycles, measured) is None
    index = next(i for i, c in enumerate(cycles.commands) if (c.label, c.iteration) == ("stage1.fold.conv2", 1))
    expected = measured[index]["DRAIN"]
    for wrong in (index, index + 1):
        measured[wrong]["DRAIN"] += 2
    assert first_wrong_command(cycles, measured) == (
        f"command stage1.fold.conv2 iteration 1 spent {expected + 2} cycles on DRAIN, "
        f"but the cycle model says {expected}"
    )
    count = len(measured)
    assert first_wrong_command(cycles, measured[1:]) == (
        f"{count - 1} commands were executed, but the program has {count} to execute"
    )
