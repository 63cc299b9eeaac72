"""Slow tests run only when they are asked for with ``-m``; those with Verilator come first."""

import pytest

#: What takes longest begins first, so that no process waits at the end for what another one just began.
FIRST = ("sim/test_zoo.py", "sim/")


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: next((n for n, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST)))
    if not config.getoption("markexpr"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; run with -m slow"))
