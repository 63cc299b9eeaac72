"""The command line of the estimate: what is refused before anything runs or is written, and the useful operations."""

from pathlib import Path

import pytest

from flows.asic import __main__ as asic
from gen.compile import compile_model
from gen.cycles import predict
from gen.layers import layers_json
from spec.config import config_for
from spec.layer import Role
from spec.model import save
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

CELLS = Path(__file__).with_name("cells.lib")


def _model(mode: Mode = Mode.ONE_OF_FOUR):
    return synthetic_model(
        residual_network("t", image=(4, 4, 1), classes=10, widths=(16,), iterations=(2,), mode=mode), seed=1
    )


@pytest.mark.parametrize(("words", "message"), [
    (["--images", "0"], "Option --images must be from 1 to"),
    (["--clock-ns", "0"], "Option --clock-ns must be more than 0 and at most"),
    (["--clock-ns", "inf"], "Option --clock-ns must be more than 0 and at most"),
    (["--node-nm", "-1"], "Option --node-nm must be more than 0 and at most"),
    (["--liberty", "none.lib"], "Liberty file none.lib of option --liberty does not exist"),
    (["--pe", "17"], "There is no named shape of 17 PEs"),
])
def test_refusals(words, message, tmp_path):
    path = save(_model(), tmp_path / "model.safetensors")
    liberty = [] if "--liberty" in words else ["--liberty", str(CELLS)]
    with pytest.raises(Refused, match=message):
        asic.main([str(path), *words, *liberty, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("mode", [Mode.ANY, Mode.ONE_OF_FOUR])
def test_useful_operations_are_those_of_kept_weights(mode):
    model = _model(mode)
    program = compile_model(model, config_for(16))
    layers = layers_json(program, predict(program), ())
    expected = 0
    for layer in model.network.layers:
        pooled = layer.role is Role.CLASSIFIER  # counted once, although the array sums it over positions
        positions = 1 if pooled else layer.out_height * layer.out_width * layer.iterations
        expected += int(model.masks[layer.name].sum()) * positions
    assert asic.useful_macs(model, layers) == pytest.approx(expected)
