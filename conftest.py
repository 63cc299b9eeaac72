"""Slow tests run only when they are asked for with ``-m``."""

import pytest


def pytest_collection_modifyitems(config, items):
    if not config.getoption("markexpr"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes; run with -m slow"))
