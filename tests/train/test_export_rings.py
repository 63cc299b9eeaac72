"""Exported rings: bit-exact on every stored activation, near the trained network, refused where hardware lacks it."""

import json

import numpy as np
import pytest
import torch

from spec import golden, model, vectors
from spec.refusal import Refused
from spec.ring import unpack
from train import export, finetune, fit
from train.deploy.calibration import calibrate
from train.deploy.deployed import DeployedNet
from train.deploy.quantize import quantize
from train.deploy.ring_integers import round_rings
from train.loop import checkpoint
from train.nets.addressing import Addressing
from train.nets.config import Method
from train.nets.ring_plan import Scope

EVERYTHING = ("stem", "shortcut", "classifier")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Checkpoint of a network trained for three epochs on the digits, its shortcuts and stages in one ring."""
    out = tmp_path_factory.mktemp("fit")
    assert fit.main([
        "--epochs", "3", "--optimizer", "sgd", "--lr", "0.05", "--method", "hnn", "--widths", "8,16,32", "--iterations",
         "0,1,1", "--dof", "1040", "--device", "cpu", "--out", str(out),
    ]) == 0
    return out / "checkpoint.pt"


def integer_model(net, images, planes):
    """The integers of ``net``, whose rings are rounded."""
    round_rings(net, planes)
    return quantize(net, calibrate(net, images), {})


def trained_like(small_rpg, images, **settings):
    """A network whose batch norms have seen images."""
    net = small_rpg(addressing=Addressing.WORD, **({"outside": Method.HNN} | settings))
    with torch.no_grad():
        for _ in range(20):
            net(images)
    return net.eval()


@pytest.mark.parametrize("planes", [1, 3, 5])
@pytest.mark.parametrize("scope", [Scope.GLOBAL, Scope.STAGE])
@pytest.mark.parametrize("parts", [(), ("shortcut",), EVERYTHING])
def test_deployed_torch_is_golden_everywhere(small_rpg, images, planes, scope, parts):
    net = trained_like(small_rpg, images, scope=scope, parts=parts)
    deployed = integer_model(net, images.numpy(), planes)
    want, got = golden.run(deployed, images.numpy()), DeployedNet(deployed).run(images.numpy())
    assert vectors.difference(want, got) is None
    assert {ring.planes for ring in deployed.network.rings} == {planes}
    assert len(deployed.network.rings) == len(net.rings)


@pytest.mark.parametrize("parts", [("shortcut",), EVERYTHING])
def test_integers_times_scales_are_what_the_rounded_network_draws(small_rpg, images, parts):
    net = trained_like(small_rpg, images, parts=parts)
    deployed = integer_model(net, images.numpy(), 5)
    ring, = net.rings
    values = deployed.rings["ring"]
    step = float(ring.free.detach().abs().max()) / np.abs(values.astype(int)).max()
    drawn = ring.draw()
    for slot in ring.slots:
        layer = deployed.network.layer(slot.name)
        whole = unpack(values, layer.shape, deployed.network.draws[slot.name], deployed.network.seed_of(layer))
        assert np.allclose(drawn[slot.name].detach(), whole * step * ring.scale(slot), rtol=1e-4)
        assert np.array_equal(whole, deployed.weights(slot.name))


def test_stored_activations_follow_the_float_network(small_rpg, images):
    net = trained_like(small_rpg, images)
    deployed = integer_model(net, images.numpy(), 5)  # rounds the ring of net
    seen = []
    with torch.no_grad():
        net(images, lambda layer, iteration, values: seen.append(values.permute(0, 2, 3, 1).numpy()))
    for stored, values in zip(golden.run(deployed, images.numpy()).stored, seen, strict=True):
        got = stored.values.astype(float).ravel()
        assert np.corrcoef(got, values.ravel())[0, 1] > 0.99, stored.layer.name


def test_command(drawn, tmp_path, capsys):
    out = tmp_path / "rpg.safetensors"
    options = ["--checkpoint", str(drawn), "--vectors", "8"]
    assert export.main([*options, "--out", str(out), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["float_accuracy"] > 0.8
    assert abs(facts["float_accuracy"] - facts["deployed_accuracy"]) < 0.02
    assert facts["recipe"]["model"]["rings"]["dof"] == 1040
    deployed = model.load(out)
    assert deployed.hash == facts["hash"]
    assert deployed.ring_bits == 8 * 1040
    proof = vectors.load(tmp_path / "rpg.vectors.safetensors", deployed)
    assert vectors.difference(golden.run(deployed, proof.images), proof.trace) is None
    content = out.read_bytes()
    assert export.main([*options, "--out", str(out)]) == 0
    assert out.read_bytes() == content
    assert capsys.readouterr().out.splitlines()[-2:] == [str(out), str(tmp_path / "rpg.vectors.safetensors")]
    assert export.main([*options, "--planes", "3", "--out", str(out)]) == 0
    assert [ring.planes for ring in model.load(out).network.rings] == [3]


@pytest.mark.parametrize(("settings", "words"), [
    ({"addressing": Addressing.ELEMENT, "outside": Method.HNN}, "addressed by element; train with --addressing word"),
    ({"addressing": Addressing.WORD, "outside": Method.HNN, "flips": False}, "addressed by word without flips"),
    ({"addressing": Addressing.WORD}, "learns dense weights, as those of stem; train with --method hnn or hfn"),
])
def test_what_hardware_lacks_is_refused(small_rpg, images, settings, words):
    with pytest.raises(Refused, match=words):
        integer_model(small_rpg(**settings), images.numpy(), 5)


def test_dense_is_fine_where_nothing_is_outside(small_rpg, images):
    net = trained_like(small_rpg, images, parts=EVERYTHING, outside=Method.DENSE)
    assert integer_model(net, images.numpy(), 5).network.modes == {}


def test_a_folded_network_with_rings_is_exported(tiny, tmp_path):
    fit.main([*tiny, "--epochs", "1", "--dof", "320", "--out", str(tmp_path)])
    out = tmp_path / "m.safetensors"
    assert export.main(["--checkpoint", str(tmp_path / "checkpoint.pt"), "--vectors", "2", "--out", str(out)]) == 0
    assert max(block.iterations for block in model.load(out).network.blocks) == 2


def test_what_is_only_trained_is_refused(tiny, drawn, tmp_path):
    repeated = ["--network", "repeated", "--method", "dense", "--width", "4", "--dof", "320"]
    fit.main([*tiny, "--epochs", "1", *repeated, "--out", str(tmp_path)])
    with pytest.raises(Refused, match="of kind repeated is only trained; choose small or a ResNet"):
        export.main(["--checkpoint", str(tmp_path / "checkpoint.pt")])
    with pytest.raises(Refused, match="of a network with rings, which cannot be fine-tuned"):
        finetune.main(["--checkpoint", str(drawn), "--out", str(tmp_path / "tuned")])
    with pytest.raises(Refused, match="--planes must be from 1 to 5, not 6"):
        export.main(["--planes", "6"])


def test_other_images_are_refused(drawn, digits):
    with pytest.raises(Refused, match="trained on other images than digits"):
        export.export(checkpoint.load(drawn), digits.prepared(2, 0), None, 8)
