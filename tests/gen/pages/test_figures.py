"""Drawings of layers, by their tooltips."""

import pytest

from console.pages.drawing import NARROW, WIDE
from gen.compile import compile_model
from gen.cycles import predict
from gen.layers import layers_json
from gen.pages.figures import cycles_by_cause, roofline, utilization
from spec.config import config_for
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module")
def layers():
    network = residual_network("n", image=(4, 4, 1), classes=3, widths=(4,), iterations=(2,))
    program = compile_model(synthetic_model(network, 1), config_for(16))
    return layers_json(program, predict(program), ())


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_marks_say_their_numbers(layers, width):
    computing = [record for record in layers["commands"] if record["passes"]]
    stem = computing[0]
    cycles, array = stem["cycles_predicted"], stem["causes_cycles_predicted"]["array"]
    assert f"stem: array {array:,} of {cycles:,} cycles" in cycles_by_cause(layers["commands"], width)
    assert f"stem (any): {stem['utilization_percent_of_mode_peak']:.1f} % of the peak" in utilization(computing, width)
    drawn = roofline(computing, layers["roofs"], layers["pe"], width)
    assert f"at {stem['macs_per_mask_bit']:,.2f} MAC/bit" in drawn
    assert "any: at most 32 MAC a cycle" in drawn
