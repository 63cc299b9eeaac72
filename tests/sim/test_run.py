"""The command refuses bad usage before it builds anything; `sim/test_run.py` runs it."""

import pytest

from gen.compile import compile_model
from gen.cycles import predict
from sim.compare import Mismatch
from sim.run import _cut, main
from spec import model as model_file
from spec.config import config_for
from spec.network import Step
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module")
def model():
    network = residual_network("net", image=(5, 4, 3), classes=3, widths=(8, 20), iterations=(2, 0), mode=Mode.ANY)
    return synthetic_model(network, seed=1)


@pytest.mark.parametrize(("options", "sentence"), [
    (["--images", "0"], "--images must be at least 1, not 0"),
    (["--stall", "1"], "--stall must be a probability from 0 to below 1, not 1.0"),
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


@pytest.mark.parametrize(("layer", "iteration", "place", "memory", "word", "part"), [
    ("stem", 0, (0, 0, 0), "x", 0, 0),
    ("stage1.fold.conv1", 1, (4, 3, 7), "t", 19, 1),
    ("stage2.entry.conv2", 0, (2, 1, 18), "x", 11, 0),  # 20 channels are two words; 2 rows of 2 pixels, then 1 pixel
])
def test_a_mismatch_is_found_in_memory_and_time(model, layer, iteration, place, memory, word, part):
    program = compile_model(model, config_for(16), trace=True)
    step = Step(model.network.layer(layer), iteration)
    cut = _cut(Mismatch("golden model", step, place, 1, 2), program, image=3)
    base = program.plan.of(step.layer).destination.base
    assert (cut.image, cut.trace, cut.memory, cut.address - base, cut.part) == (3, True, memory, word, part)
    (command,) = [c for c in predict(program).commands if (c.layer, c.iteration) == (layer, iteration) and c.passes]
    assert (cut.first, cut.end) == (command.start, command.start + command.cycles)


def test_a_wrong_logit_is_found_at_the_end_of_the_classifier(model):
    program = compile_model(model, config_for(16), trace=False)
    step = Step(model.network.layers[-1], 0)
    cut = _cut(Mismatch("golden model", step, (2,), 1, 2), program, image=0)
    assert (cut.memory, cut.trace) == ("psum", False)
    (command,) = [c for c in predict(program).commands if c.layer == "classifier" and c.passes]
    assert (cut.first, cut.end) == (command.start, command.start + command.cycles)
