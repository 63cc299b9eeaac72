"""How tests are shared out among processes."""

import pytest


@pytest.mark.xdist_group("shared")
def test_groups_are_known(request):
    """pytest-xdist reads them from node ids; if it could not write them there, it would group nothing, in silence."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("One process runs all tests; give -n 2 --dist loadgroup")
    assert request.node.nodeid.endswith("@shared")
