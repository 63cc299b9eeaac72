"""A ResNet-RPG computes what a plain network with the drawn weights computes; what is shared and what is not."""

import pytest
import torch

from spec.block import Block, Stem
from spec.layer import Role
from spec.supermask import Mode
from spec.topologies import network_of_parts
from train.nets.addressing import Addressing
from train.nets.config import Method, ModelConfig
from train.nets.layers import HiddenConv
from train.nets.model import HiddenFoldNet
from train.nets.ring_net import DrawnConv, RpgResNet
from train.nets.ring_plan import Rings, Scope

EVERYTHING = ("stem", "shortcut", "classifier")


@pytest.mark.parametrize("addressing", list(Addressing))
@pytest.mark.parametrize("scope", list(Scope))
def test_it_is_the_dense_network_with_the_drawn_weights(small_network, small_rpg, images, addressing, scope):
    model = small_rpg(addressing=addressing, scope=scope, parts=EVERYTHING).eval()
    network = small_network()
    plain = HiddenFoldNet(network, ModelConfig.of(Method.DENSE), torch.Generator()).eval()
    drawn = {name: weight for ring in model.rings for name, weight in ring.draw().items()}
    assert set(drawn) == {layer.name for layer in network.layers}
    with torch.no_grad():
        for layer in network.layers:
            plain.convolutions[layer.index].weight.copy_(drawn[layer.name])
        assert torch.allclose(model(images), plain(images), atol=1e-6)


def test_layers_outside_the_rings_are_dense(small_rpg, small_network):
    network = small_network()
    model = small_rpg(parts=())
    dense = {
        layer.name for layer in network.layers if not isinstance(model.convolutions[layer.index], DrawnConv)
    }
    assert dense == {"stem", "stage2.entry.shortcut", "stage3.entry.shortcut", "classifier"}
    for layer in network.layers:
        convolution = model.convolutions[layer.index]
        assert (layer.name in dense) == hasattr(convolution, "weight")
        assert (convolution.bias is not None) == (layer.role is Role.CLASSIFIER)


def test_every_convolution_has_batch_norms_of_its_own(small_rpg, small_network):
    norms = [norm for convolution in small_rpg().convolutions for norm in convolution.norms]
    assert len(norms) == len(small_network().layers) - 1
    assert all(norm.affine for norm in norms)


def test_hidden_outside(small_rpg, images):
    model = small_rpg(outside=Method.HNN)
    assert isinstance(model.convolutions[0], HiddenConv)
    assert isinstance(model.convolutions[-1], HiddenConv)
    assert model.convolutions[-1].bias is None
    model(images).sum().backward()
    assert model.convolutions[0].scores.grad.abs().sum() > 0


def test_layers_with_the_same_weights_draw_once(images):
    """A ring has no slots for layers that have the weights of others; their weight is the same tensor."""
    blocks = (Block("a", 8), Block("b", 8, weights_of="a"))
    network = network_of_parts("t", (8, 8, 1), Stem(3, 1, 1, 8), blocks, 10, Mode.ANY, 0.5, seed=3)
    config = ModelConfig.of(Method.HNN, rings=Rings(dof=512))
    model = RpgResNet(network, config, torch.Generator().manual_seed(0))
    assert [slot.name for ring in model.rings for slot in ring.slots] == ["a.conv1", "a.conv2"]
    weights = model.effective_weights()
    for name in ("conv1", "conv2"):
        own, other = (network.layer(f"{block}.{name}").index for block in "ab")
        assert weights[own] is weights[other]
        assert model.convolutions[own].norms[0] is not model.convolutions[other].norms[0]
    model(images).sum().backward()
    assert model.rings[0].free.grad.any()


def test_state_holds_no_indices_and_loads_into_another_model(small_rpg, images):
    model, other = small_rpg(seed=0).eval(), small_rpg(seed=1).eval()
    learned = sum(p.numel() for p in model.parameters())
    statistics = sum(b.numel() for name, b in model.named_buffers() if "running" in name or "batches" in name)
    assert sum(t.numel() for t in model.state_dict().values()) == learned + statistics
    assert not torch.equal(model(images), other(images))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(images), other(images))


@pytest.mark.parametrize("dof", [1, 16, 320, 100_000])
def test_any_degrees_of_freedom(small_rpg, images, dof):
    model = small_rpg(dof=dof)
    assert sum(ring.free.numel() for ring in model.rings) == dof
    model(images).sum().backward()
    used = sum(slot.weight_count for ring in model.rings for slot in ring.slots)
    assert (model.rings[0].free.grad != 0).sum() <= min(dof, used)


def test_it_learns(small_rpg):
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 2, (64,), generator=generator)
    data = torch.randint(0, 100, (64, 8, 8, 1), generator=generator)
    data[:, :, :4] += 150 * labels[:, None, None, None]
    model = small_rpg(dof=64)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(model(data.byte()), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (model.eval()(data.byte()).argmax(1) == labels).float().mean() > 0.9


def test_a_folded_network_can_draw_too(images):
    config = ModelConfig.of(Method.FOLDED, widths=(4, 8), iterations=(0, 3), rings=Rings(64))
    network = config.topology("folded", (8, 8, 1), 10)
    model = RpgResNet(network, config, torch.Generator())
    assert len(model.convolutions[network.layer("stage2.fold.conv1").index].norms) == 3
    assert model(images).shape == (8, 10)
