"""Latency with lanes of an image each, and with lanes that share one."""

import argparse

from flows.bench import latency
from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from rtl.base.ports import Cause
from spec.config import config_for
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

NETWORK = residual_network("t", image=(16, 16, 3), classes=10, widths=(64, 64), iterations=(3, 0), seed=1)


def test_pixels_are_shared_and_the_rest_is_not():
    program = compile_model(synthetic_model(NETWORK, 1), fitted(config_for(64), NETWORK))
    whole, shared = predict(program), predict(latency.split(program, 4))
    assert latency.split(program, 1).commands == program.commands
    assert shared.causes[Cause.ARRAY] == whole.causes[Cause.ARRAY] / 4  # every run is a multiple of four pixels
    assert shared.causes[Cause.HOST] == whole.causes[Cause.HOST]
    assert [command.macs for command in shared.commands] == [command.macs for command in whole.commands]


def test_a_row_has_three_builds_in_their_order():
    row = latency.latency_row(NETWORK, 64, 4)
    one, together, shared = row["builds"]
    assert (row["network"], row["mode"], row["lanes"]) == ("t", "any", 4)
    assert one["latency_cycles"] <= together["latency_cycles"] < 1.01 * one["latency_cycles"]
    assert one["latency_cycles"] / 4 < shared["latency_cycles"] < one["latency_cycles"]
    assert one["images_per_megacycle"] < shared["images_per_megacycle"] < together["images_per_megacycle"]
    (table,) = latency.tables({"rows": [row]})
    assert table.row_count == 3


def test_the_networks_are_those_that_the_decision_is_about():
    assert [network.name for network in latency._networks()] == ["hf-resnet18-224"] * 2 + ["hf-resnet50-32"] * 2
    assert latency.inputs(argparse.Namespace()) == {}
