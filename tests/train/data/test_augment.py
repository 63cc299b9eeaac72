"""Variations are shifted and mirrored images, by their draws alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.refusal import Refused
from train.data.augment import DRAWS, Augmentation


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 4), st.booleans(), st.integers(0, 1000))
def test_a_variation_is_a_shifted_and_mirrored_image(pad, mirror, seed):
    rng = torch.Generator().manual_seed(seed)
    images = torch.randint(1, 256, (4, 5, 7, 2), generator=rng, dtype=torch.uint8)
    draws = torch.rand((4, DRAWS), generator=rng)
    varied = Augmentation(pad, mirror)(images, draws)
    assert varied.dtype == torch.uint8
    for image, draw, got in zip(images.numpy(), draws.numpy(), varied.numpy(), strict=True):
        padded = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
        top, left = int(draw[0] * np.float32(2 * pad + 1)), int(draw[1] * np.float32(2 * pad + 1))
        want = padded[top : top + 5, left : left + 7]
        assert np.array_equal(got, want[:, ::-1] if mirror and draw[2] < 0.5 else want)


def test_negative_padding_is_refused():
    with pytest.raises(Refused, match="padding must be at least 0, not -1"):
        Augmentation(pad=-1)


def test_around_an_image_can_be_its_reflection():
    rng = torch.Generator().manual_seed(1)
    images, draws = torch.randint(0, 256, (6, 5, 7, 2), generator=rng, dtype=torch.uint8), torch.rand(6, DRAWS)
    varied = Augmentation(2, reflect=True)(images, draws)
    assert varied.dtype == torch.uint8
    for image, draw, got in zip(images.numpy(), draws.numpy(), varied.numpy(), strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="reflect")
        top, left = int(draw[0] * np.float32(5)), int(draw[1] * np.float32(5))
        assert np.array_equal(got, padded[top : top + 5, left : left + 7])
    with pytest.raises(Refused, match="--crop-pad must be at most 4 with --reflect on such images, not 5"):
        Augmentation(5, reflect=True)(images, draws)


def test_a_square_of_an_image_is_grey():
    images = torch.full((3, 6, 7, 2), 9, dtype=torch.uint8)
    draws = torch.tensor([[0, 0, 0, 0.5, 0.5], [0, 0, 0, 0, 0], [0, 0, 0, 0.999, 0.999]])
    covered = (Augmentation(cutout=3)(images, draws) == 128).all(-1)
    wanted = torch.zeros(3, 6, 7, dtype=torch.bool)
    wanted[0, 2:5, 2:5] = wanted[1, 0:2, 0:2] = wanted[2, 4:, 5:] = True
    assert torch.equal(covered, wanted)
    assert (images == 9).all(), "the images themselves stay"


def test_smaller_images_vary_less():
    whole = Augmentation(pad=4, mirror=True, reflect=True, cutout=12)
    assert whole.shrunk(0.5) == Augmentation(pad=2, mirror=True, reflect=True, cutout=6)
    assert whole.shrunk(0.01).pad == 1
    assert Augmentation(mirror=True).shrunk(0.5) == Augmentation(mirror=True)
