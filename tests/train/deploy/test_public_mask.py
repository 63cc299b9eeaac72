"""Masks of the public codes, bit for bit, held to their arithmetic on networks of our own making."""

import pytest
import torch

from spec.supermask import keep_count
from tests.train.public_nets import Masked
from train.deploy.public_mask import dropped, is_mask, public_mask


def masked(density, scores=None, shape=(16, 24, 3, 3)):
    torch.manual_seed(1)
    conv = Masked(shape[1], shape[0], shape[2], density=density)
    if scores is not None:
        conv.scores.data = scores(conv.scores.data)
    return conv


@pytest.mark.parametrize("shape", [(16, 24, 3, 3), (7, 5, 1, 1), (10, 64, 1, 1)])
def test_masks_are_equal_at_every_density(shape):
    assert len(masked(0.5, shape=shape).scores.unique()) == masked(0.5, shape=shape).scores.numel()
    for hundredth in range(1, 101):
        density = hundredth / 100
        conv = masked(density, shape=shape)
        assert torch.equal(public_mask(conv.scores, density).mask, conv.kept().bool()), density


@pytest.mark.parametrize("scores", [
    lambda scores: scores.half(),
    lambda scores: torch.where(torch.rand_like(scores) < 0.8, 0.0, scores),
    lambda scores: (scores * 50).round() / 50,
    torch.zeros_like,
])
def test_ties_are_broken_by_the_order_there(scores):
    for hundredth in range(1, 101):
        density = hundredth / 100
        conv = masked(density, scores)
        found = public_mask(conv.scores, density)
        assert torch.equal(found.mask, conv.kept().bool()), density
        kept, left = (conv.scores.abs()[mask] for mask in (found.mask, ~found.mask))
        ties = left.numel() > 0 and kept.min() == left.max()
        assert bool(found.tied) == ties
        if ties:
            assert found.tied == int((conv.scores.abs() == kept.min()).sum())
            assert found.tied_kept == int((kept == kept.min()).sum())


def test_the_count_there_is_not_ours():
    assert 1000 - dropped(1000, 0.9) == keep_count(1000, 0.9) + 1
    assert 100 - dropped(100, 0.55) == keep_count(100, 0.55) + 1
    others = [
        (weights, hundredth) for weights in (80, 576, 9216) for hundredth in range(1, 101)
        if weights - dropped(weights, hundredth / 100) != keep_count(weights, hundredth / 100)
    ]
    assert others == [(80, 80), (80, 90)]


def test_what_is_a_mask():
    assert is_mask(torch.tensor([0.0, 1.0, 1.0]))
    assert not is_mask(torch.tensor([0.0, 1.0, 0.5]))
    assert not is_mask(torch.tensor([0.0, -1.0]))
