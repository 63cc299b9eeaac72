"""The command refuses bad usage before it builds anything; `sim/test_run.py` runs it."""

import pytest

from sim.run import main
from spec import model as model_file
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module")
def model():
    network = residual_network("net", image=(5, 4, 3), classes=3, widths=(8, 20), iterations=(2, 0), mode=Mode.ANY)
    return synthetic_model(network, seed=1)


@pytest.mark.parametrize(("options", "sentence"), [
    (["--images", "0"], "--images must be from 1 to"),
    (["--stall", "1"], "--stall must be at least 0 and less than 1, not 1"),
    (["--pe", "17"], "There is no named shape of 17 PEs"),
    (["--vectors", "nowhere.safetensors"], "Vector file nowhere.safetensors does not exist"),
    (["--mask-bits", "1024"], "Network net cannot run on this build: stage2.entry.conv2: is streamed in chunks"),
])
def test_bad_usage_is_refused(model, tmp_path, options, sentence):
    path = model_file.save(model, tmp_path / "net.safetensors")
    with pytest.raises(Refused, match=sentence):
        main([str(path), *options])


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"Model file .*nowhere.safetensors does not exist"):
        main([str(tmp_path / "nowhere.safetensors")])
