"""Losses, learning and judging of depth and normals."""

import numpy as np
import pytest
import torch

from spec.refusal import Refused
from train.indoor.learn import DepthRecipe, answers, depth_loss, errors, learn_depth, normal_loss
from train.indoor.network import EncoderDecoder, EncoderDecoderShape
from train.indoor.raycast import rooms
from train.indoor.views import rmse
from train.nets.repeated import Sharing


def trained(views, **settings):
    torch.set_num_threads(1)
    shape = EncoderDecoderShape(side=16, width=4, depth=1)
    model = EncoderDecoder(shape, Sharing.RING, generator=torch.Generator().manual_seed(0))
    epochs = []
    learn_depth(model, views, DepthRecipe(**settings), 0, lambda: epochs.append(1))
    return model, len(epochs)


def test_depth_is_absolute_for_small_errors_and_square_for_large():
    wanted, known = torch.zeros(1, 1, 4), torch.ones(1, 1, 4, dtype=torch.bool)
    depth = torch.tensor([[[[0.1, -0.2, 0.0, 10.0]]]])  # c = 2
    assert depth_loss(depth, wanted, known).item() == pytest.approx((0.1 + 0.2 + (100 + 4) / 4) / 4)
    known[..., 3] = False
    assert depth_loss(depth, wanted, known).item() == pytest.approx((0.1 + (0.04 + 0.04**2) / 0.08) / 3, abs=0.02)
    assert depth_loss(torch.cat([depth, depth]), wanted, known) == pytest.approx(
        2 * depth_loss(depth, wanted, known).item()
    )


def test_normals_are_compared_by_their_angle():
    wanted = torch.tensor([0.0, 0.0, 1.0]).view(1, 3, 1, 1).expand(1, 3, 1, 3)
    found = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]).T.view(1, 1, 3, 1, 3)
    assert normal_loss(found, wanted, torch.ones(1, 1, 3)).item() == pytest.approx(1)
    assert normal_loss(found, wanted, torch.tensor([[[1.0, 0.0, 0.0]]])).item() == 0


def test_it_learns_what_it_is_shown():
    views = rooms(8, 16, 0)
    model, epochs = trained(views, epochs=60, batch=8, lr=1e-2, mirror=False)
    assert epochs == 60
    blind = views.depth.std()
    level = np.zeros_like(views.normals) + views.normals.mean((0, 1, 2))
    depth, normals = errors(model, views)
    assert depth < 0.7 * blind
    assert normals < 0.9 * rmse(views.depth, level, views)[1]


def test_answers_are_of_every_image():
    views = rooms(5, 16, 0)
    model, _ = trained(views, epochs=1)
    depth, normals = answers(model, views.images)
    assert (depth.shape, normals.shape) == ((5, 16, 16), (5, 16, 16, 3))
    assert np.allclose(depth[3:], answers(model, views.images[3:])[0], atol=1e-5)
    assert errors(model, views) == rmse(depth, normals, views)


def test_a_mirrored_view_is_a_view(monkeypatch):
    """Mirrored every time, a network learns the mirrored views: images, depth and the sign of x go together."""
    views = rooms(6, 16, 3)
    monkeypatch.setattr(torch, "rand", lambda size, generator: torch.zeros(size))
    model, _ = trained(views, epochs=60, batch=6, lr=1e-2)
    mirrored = [array[:, :, ::-1].copy() for array in (views.images, views.depth, views.normals, views.known)]
    mirrored[2][..., 0] *= -1
    there = errors(model, type(views)(*mirrored))
    mirrored[2][..., 0] *= -1
    wrong = errors(model, type(views)(*mirrored))
    assert there[1] < wrong[1]


def test_the_same_seed_is_the_same_network():
    views = rooms(8, 16, 0)
    one, other = (trained(views, epochs=2, batch=4)[0].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_bad_recipes_and_divergence_are_refused():
    for wrong in ({"epochs": 0}, {"batch": 0}, {"lr": 0.0}, {"share": -1.0}):
        with pytest.raises(Refused, match="at least 1 at a positive rate"):
            DepthRecipe(**wrong)
    with pytest.raises(Refused, match=r"diverged in epoch 1: its loss is nan; lower --lr"):
        trained(rooms(4, 16, 0), epochs=1, share=float("nan"))
