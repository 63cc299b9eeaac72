"""The loop nest against loops written out."""

from spec.commands import FIELDS
from spec.order import LOOPS, STORED, down_to, inside, loops_of, repetitions, walk

FIELDS_OF_A_LAYER = {"tiles": 3, "pixel_tiles": 2, "top_plane": 1, "kernel": 2, "blocks": 3, "passes": 4}


def written_out():
    for m_tile in range(3):
        for pixel_tile in range(2):
            for plane in (1, 0):
                for ky in range(2):
                    for kx in range(2):
                        for block in range(3):
                            for index in range(4):
                                yield {"m_tile": m_tile, "pixel_tile": pixel_tile, "plane": plane, "ky": ky, "kx": kx,
                                       "block": block, "pass": index}


def test_the_walk_is_that_of_nested_loops():
    assert list(walk(FIELDS_OF_A_LAYER)) == list(written_out())
    assert repetitions(FIELDS_OF_A_LAYER) == 3 * 2 * 2 * 2 * 2 * 3 * 4


def test_loops_are_counted_by_fields_of_the_command():
    assert {loop.field for loop in LOOPS} <= {field.name for field in FIELDS}


def test_masks_are_stored_once():
    """In the order that they are first read in."""
    assert [loop.name for loop in STORED] == ["m_tile", "ky", "kx", "block"]


def test_a_build_without_rings_has_no_loop_over_planes():
    assert loops_of(rings=True) == LOOPS
    assert [loop.name for loop in loops_of(rings=False)] == ["m_tile", "pixel_tile", "ky", "kx", "block", "pass"]


def test_inner_and_outer_loops():
    assert [loop.name for loop in inside("plane")] == ["ky", "kx", "block", "pass"]
    assert [loop.name for loop in down_to("pixel_tile")] == ["m_tile", "pixel_tile"]
    assert inside("pass") == ()
