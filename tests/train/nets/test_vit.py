"""The vision transformer against torch's own layers, and what is in its ring."""

import pytest
import torch
from torch import nn

from spec.refusal import Refused
from train.nets.addressing import Addressing
from train.nets.vit import VIT_PARTS, RpgViT, ViTShape, vit_layers, vit_slots

SHAPE = ViTShape((8, 8, 1), 10, patch=4, dim=16, depth=2, heads=4)


def vit(dof=None, seed=0, **settings):
    return RpgViT(SHAPE, dof, generator=torch.Generator().manual_seed(seed), **settings)


def test_the_papers_sizes():
    shape = ViTShape((32, 32, 3), 100)
    assert (shape.depth, shape.heads, shape.dim) == (6, 4, 64)
    layers = vit_layers(shape)
    assert len(layers) == 24
    assert sum(slot.weight_count for slot in vit_slots(shape) if slot.name in layers) == 6 * 12 * 64**2


@pytest.mark.parametrize("dof", [None, 96])
def test_it_is_a_pre_norm_transformer(images, dof):
    model = vit(dof).eval()
    weights = model.own.draw()
    for ring in model.rings:
        weights |= ring.draw()
    bias = {name: model.biases[index] for name, index in model.bias_index.items()}
    x = torch.stack([
        images[:, r : r + 4, c : c + 4].flatten(1).float() / 255 for r in (0, 4) for c in (0, 4)
    ], dim=1)  # (B, 4, 16)
    with torch.no_grad():
        x = x @ weights["patches"].flatten(1).T + bias["patches"] + model.positions
        for i in range(SHAPE.depth):
            layer = nn.TransformerEncoderLayer(16, 4, 64, dropout=0, activation="gelu", batch_first=True,
                                               norm_first=True).eval()
            for own, name in ((layer.self_attn.out_proj, "out"), (layer.linear1, "up"), (layer.linear2, "down")):
                own.weight.copy_(weights[f"layer{i}.{name}"].flatten(1))
                own.bias.copy_(bias[f"layer{i}.{name}"])
            layer.self_attn.in_proj_weight.copy_(weights[f"layer{i}.qkv"].flatten(1))
            layer.self_attn.in_proj_bias.copy_(bias[f"layer{i}.qkv"])
            layer.norm1.load_state_dict(model.norms[2 * i].state_dict())
            layer.norm2.load_state_dict(model.norms[2 * i + 1].state_dict())
            x = layer(x)
        want = model.norms[-1](x).mean(1) @ weights["classifier"].flatten(1).T + bias["classifier"]
        assert torch.allclose(model(images), want, atol=1e-5)


@pytest.mark.parametrize("parts", [(), ("patches",), VIT_PARTS])
def test_parts_in_and_out(parts, images):
    model = vit(96, parts=parts, addressing=Addressing.WORD)
    drawn = {slot.name for slot in model.rings[0].slots}
    assert {name for name in VIT_PARTS if name in drawn} == set(parts)
    model(images).sum().backward()
    assert model.rings[0].free.grad.abs().sum() > 0


def test_state_loads_into_another_model(images):
    model, other = vit(96, seed=0).eval(), vit(96, seed=1).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(images), other(images))


@pytest.mark.parametrize(("changes", "words"), [
    ({"patch": 3}, "cannot be cut into patches of 3"), ({"heads": 3}, "cannot have 3 heads of equal size"),
])
def test_impossible_shapes_are_refused(changes, words):
    with pytest.raises(Refused, match=words):
        ViTShape((8, 8, 1), 10, **({"patch": 4, "dim": 16} | changes))


def test_unknown_parts_are_refused():
    with pytest.raises(Refused, match="patches, classifier, not 'stem'"):
        vit_layers(SHAPE, ("stem",))
