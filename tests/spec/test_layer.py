"""What follows from a layer's shape."""

import pytest

from spec.layer import POOL, Layer, Role
from spec.numerics import MASK_WIDTHS, RING_WIDTHS
from spec.ring import Ring
from spec.supermask import Mode


def layer(role=Role.INNER, window=(3, 2, 1), **fields):
    return Layer(3, "b.conv1", role, 8, 16, *window, 9, 6, 2, Mode.TWO_OF_FOUR, **fields)


def test_a_layer_with_masks():
    made = layer()
    assert made.shape == (16, 3, 3, 8)
    assert (made.out_height, made.out_width, made.positions) == (5, 3, 15)
    assert (made.weight_count, made.macs) == (16 * 9 * 8, 16 * 9 * 8 * 15)
    assert (made.planes, made.passes, made.widths) == (1, 2, MASK_WIDTHS)


def test_a_layer_of_a_ring_is_run_plane_by_plane():
    made = layer(ring=Ring("r", 4, 5, ("b.conv1",)))
    assert (made.planes, made.passes, made.widths) == (5, 10, RING_WIDTHS)


def test_a_classifier_is_counted_once_whatever_it_sums_over():
    made = layer(Role.CLASSIFIER, (1, 1, 0))
    assert (made.positions, made.macs) == (54, 16 * 8)


def test_the_pool_has_no_weights():
    made = layer(Role.POOL, POOL)
    assert (made.weight_count, made.macs) == (0, 0)
    assert (made.out_height, made.out_width) == (5, 3)


@pytest.mark.parametrize(("size", "out"), [(1, 1), (2, 1), (3, 2), (4, 2), (112, 56)])
def test_the_pool_halves_a_map(size, out):
    made = Layer(-1, "pool", Role.POOL, 8, 8, *POOL, size, size, 1, Mode.ANY)
    assert (made.out_height, made.out_width) == (out, out)
