"""The harnesses of formal.harnesses.control: their proofs take longer than tests may, see `make prove`."""

import pytest

from formal.harnesses.control import Geometry


@pytest.mark.parametrize(("geometry", "columns"), [
    (Geometry(kernel=3, stride=1, pad=1, width=5, blocks=2), 5),
    (Geometry(kernel=7, stride=2, pad=3, width=9, blocks=1), 5),
    (Geometry(kernel=1, stride=2, pad=0, width=7, blocks=3), 4),
])
def test_columns_of_the_output(geometry, columns):
    assert geometry.out_width == columns
