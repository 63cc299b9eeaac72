"""Corruptions do what they say, more so with their strength, and the same every time."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.data.corrupted import CORRUPTIONS, STRENGTHS, corrupted, corrupted_set


@pytest.fixture(scope="module")
def pictures():
    coarse = np.random.default_rng(0).integers(0, 256, (20, 4, 8, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_stronger_is_further_away_and_seeds_decide(pictures, kind):
    found = [corrupted(pictures, kind, strength) for strength in STRENGTHS]
    assert all(one.shape == pictures.shape and one.dtype == np.uint8 for one in found)
    assert all(np.array_equal(one, corrupted(pictures, kind, n)) for n, one in enumerate(found, 1))
    if kind != "shift":
        away = [np.abs(one.astype(int) - pictures).mean() for one in found]
        assert away == sorted(away)
        assert 0 < away[0] < away[-1] / 1.2
    drawn = kind in ("noise", "shift")
    assert np.array_equal(found[1], corrupted(pictures, kind, 2, seed=1)) != drawn


def test_a_shift_moves_whole_images_and_leaves_black(pictures):
    seen = set()
    for image, moved in zip(pictures, corrupted(pictures, "shift", 2), strict=True):
        for down in (-2, 2):
            for right in (-4, 4):
                wanted = np.roll(image, (down, right), (0, 1))
                wanted[slice(0, down) if down > 0 else slice(down, None)] = 0
                wanted[:, slice(0, right) if right > 0 else slice(right, None)] = 0
                if np.array_equal(wanted, moved):
                    seen.add((down, right))
                    break
            else:
                continue
            break
        else:
            pytest.fail("moved otherwise")
    assert len(seen) == 4


def test_contrast_keeps_the_mean_and_blur_a_flat_image(pictures):
    faded = corrupted(pictures, "contrast", 5).astype(float)
    assert np.abs(faded.mean((1, 2, 3)) - pictures.mean((1, 2, 3))).max() < 0.5
    assert np.allclose(faded.std((1, 2, 3)), 0.15 * pictures.std((1, 2, 3)), rtol=0.05)
    flat = np.full((1, 4, 4, 1), 77, np.uint8)
    assert np.array_equal(corrupted(flat, "blur", 5), flat)


def test_only_test_images_change(digits):
    found = corrupted_set(digits, "noise", 5)
    assert found.train_images is digits.train_images
    assert np.array_equal(found.test_labels, digits.test_labels)
    assert not np.array_equal(found.test_images, digits.test_images)


@pytest.mark.parametrize(("kind", "strength"), [("fog", 1), ("noise", 0), ("noise", 6)])
def test_others_are_refused(pictures, kind, strength):
    with pytest.raises(Refused, match="noise, blur, contrast, shift of strengths 1 to 5"):
        corrupted(pictures, kind, strength)
