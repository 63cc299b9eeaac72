"""Stretching: which batch norms other iteration counts use, and what recalibration measures."""

import pytest
import torch

from spec import golden, vectors
from spec.refusal import Refused
from train.deploy.calibration import calibrate
from train.deploy.deployed import DeployedNet
from train.deploy.quantize import quantize
from train.nets.stretch import recalibrate, stretch

FOLD = "stage2.fold"


def fold_norms(model):
    return model.convolutions[model.network.layer(f"{FOLD}.conv1").index].norms


@pytest.mark.parametrize("norm", ["ubn", "sbn", "nabn"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_stretched_network_runs_the_block_that_often(trained_for, digits, norm, count):
    model = trained_for(3, norm)
    stretched = stretch(model, {FOLD: count})
    seen = []
    stretched(torch.from_numpy(digits.test_images[:4]), lambda layer, t, values: seen.append((layer.name, t)))
    assert [t for name, t in seen if name == f"{FOLD}.conv2"] == list(range(count))
    assert len(fold_norms(stretched)) == (max(3, count) if norm == "ubn" else 1)
    assert model.iterations[FOLD] == 3


def test_unstretched_copy_is_the_network(trained_for, digits):
    model = trained_for(3)
    images = torch.from_numpy(digits.test_images[:8])
    assert torch.equal(stretch(model, {FOLD: 3})(images), model(images))
    assert torch.equal(stretch(model, {})(images), model(images))


def test_further_iterations_copy_the_last_batch_norm(trained_for):
    model = trained_for(3)
    with torch.no_grad():
        fold_norms(model)[2].weight.fill_(0.5)
    norms = fold_norms(stretch(model, {FOLD: 5}))
    for t in (3, 4):
        assert torch.equal(norms[t].running_var, norms[2].running_var)
        assert (norms[t].weight == 0.5).all()
        assert norms[t] is not norms[2]
    assert not torch.equal(norms[1].running_var, norms[2].running_var)


def test_recalibration_measures_plain_averages_and_learns_nothing(trained_for, digits):
    stretched = stretch(trained_for(3), {FOLD: 4})
    parameters = [parameter.detach().clone() for parameter in stretched.parameters()]
    images, inputs = digits.train_images[:96], []
    fold_norms(stretched)[3].register_forward_pre_hook(lambda norm, args: inputs.append(args[0]))
    recalibrate(stretched, images, batch=32)
    assert not stretched.training
    assert {norm.momentum for norm in fold_norms(stretched)} == {0.1}
    assert len(inputs) == 3
    mean = torch.stack([x.mean((0, 2, 3)) for x in inputs]).mean(0)
    torch.testing.assert_close(fold_norms(stretched)[3].running_mean, mean)
    assert all(torch.equal(a, b) for a, b in zip(parameters, stretched.parameters(), strict=True))


def test_recalibration_takes_batches_of_nearly_one_size(trained_for, digits):
    model, sizes = trained_for(1), []
    model.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    recalibrate(model, digits.train_images[:65], batch=64)
    assert sizes == [33, 32]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("norm", ["ubn", "sbn"])
def test_stretched_networks_deploy(trained_for, digits, norm, count):
    stretched = stretch(trained_for(3, norm), {FOLD: count}).eval()
    recalibrate(stretched, digits.train_images[:256])
    deployed = quantize(stretched, calibrate(stretched, digits.train_images[:256]), {})
    assert deployed.network.layer(f"{FOLD}.conv1").iterations == count
    images = digits.test_images[:16]
    assert vectors.difference(golden.run(deployed, images), DeployedNet(deployed).run(images)) is None


def test_a_block_that_is_left_out_cannot_be_deployed(trained_for, digits):
    stretched = stretch(trained_for(3), {FOLD: 0})
    with pytest.raises(Refused, match=r"block stage2\.fold was left out by stretching it to 0 iterations"):
        quantize(stretched, calibrate(trained_for(3), digits.train_images[:64]), {})


@pytest.mark.parametrize(("iterations", "message"), [
    ({"stage1.entry": 2}, "Network 't' has no recurrent block 'stage1.entry' to stretch; it has .'stage2.fold'."),
    ({FOLD: -1}, "Block stage2.fold cannot run -1 iterations; give 0 or more"),
])
def test_impossible_counts_are_refused(trained_for, iterations, message):
    with pytest.raises(Refused, match=message):
        stretch(trained_for(3), iterations)
