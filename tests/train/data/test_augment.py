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
