"""Slow tests run only when they are asked for with ``-m``; those with Verilator come first. Processes share out files,
or what an ``xdist_group`` says, so that what the tests of a file share is made once.
"""

import pytest

#: What takes longest begins first, so that no process waits at the end for what another one just began.
FIRST = ("sim/test_zoo.py", "sim/", "tests/flows/tools/test_yosys.py", "tests/rtl/", "tests/gen/", "tests/train/test_")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: next((n for n, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST)))
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    if not config.getoption("markexpr"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; run with -m slow"))
