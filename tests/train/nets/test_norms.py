"""Norms: how many, what they learn, and what they compute, written out."""

import pytest
import torch
from torch import nn

from spec.refusal import Refused
from train.nets.norms import FoldedNorm, norms

X = torch.randn(6, 64, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 1


def normalized(x, dims):
    variance = x.var(dims, unbiased=False, keepdim=True)
    return (x - x.mean(dims, keepdim=True)) / torch.sqrt(variance + 1e-5)


@pytest.mark.parametrize(("kind", "count", "learned"), [
    (FoldedNorm.UBN, 4, 4 * 2 * 64), (FoldedNorm.SBN, 1, 2 * 64), (FoldedNorm.NABN, 1, 0),
    (FoldedNorm.LAYER, 1, 2 * 64), (FoldedNorm.INSTANCE, 1, 2 * 64), (FoldedNorm.GROUP, 1, 2 * 64),
    (FoldedNorm.LOCAL, 1, 0),
])
def test_what_a_recurrent_block_learns(kind, count, learned):
    for affine in (False, True):  # That is a matter of the other blocks.
        made = norms("x", 64, 4, folded=kind, affine=affine)
        assert len(made) == count
        assert sum(parameter.numel() for parameter in made.parameters()) == learned


@pytest.mark.parametrize("kind", list(FoldedNorm))
@pytest.mark.parametrize("affine", [False, True])
def test_other_blocks_have_a_batch_norm_whatever_the_kind(kind, affine):
    (norm,) = norms("x", 8, 1, folded=kind, affine=affine)
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.affine == affine


@pytest.mark.parametrize(("kind", "want"), [
    (FoldedNorm.SBN, normalized(X, (0, 2, 3))),
    (FoldedNorm.NABN, normalized(X, (0, 2, 3))),
    (FoldedNorm.LAYER, normalized(X, (1, 2, 3))),
    (FoldedNorm.INSTANCE, normalized(X, (2, 3))),
    (FoldedNorm.GROUP, normalized(X.view(6, 32, 2, 5, 5), (2, 3, 4)).view(X.shape)),
])
def test_what_is_normalized_over(kind, want):
    (norm,) = norms("x", 64, 3, folded=kind, affine=False)
    torch.testing.assert_close(norm(X), want, rtol=1e-4, atol=1e-5)


def test_local_response():
    """``x / (2 + 1e-4/5 * sum of squares of 5 channels around)**0.75``."""
    (norm,) = norms("x", 64, 3, folded=FoldedNorm.LOCAL, affine=False)
    big = X * 100  # So that the sum matters.
    squares = nn.functional.pad(big.square(), (0, 0, 0, 0, 2, 2))
    around = sum(squares[:, i : i + 64] for i in range(5))
    torch.testing.assert_close(norm(big), big / (2 + 1e-4 / 5 * around) ** 0.75)


def test_groups_must_divide_the_channels():
    with pytest.raises(Refused, match=r"Layer s\.conv1 has 48 channels, which group norm cannot divide into 32 groups"):
        norms("s.conv1", 48, 2, folded=FoldedNorm.GROUP, affine=False)


def test_which_are_entries_of_the_accelerator():
    assert [kind for kind in FoldedNorm if kind.is_batch_norm] == ["ubn", "sbn", "nabn"]
