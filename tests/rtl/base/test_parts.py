"""Paths of components: every one is in the hierarchy, and none is missing at its level."""

import re

from amaranth.hdl import Fragment

from rtl.accelerator import Accelerator
from rtl.base.parts import CORE, ENGINE, LANE, PATHS
from spec.config import config_for


def instances(fragment, path=()):
    """Paths of all instances below ``fragment``, without the numbers of copies."""
    for inner, name, *_ in fragment.subfragments:
        here = (*path, re.sub(r"\d+$", "", name))
        yield ".".join(here)
        yield from instances(inner, here)


def test_every_path_is_an_instance():
    found = set(instances(Fragment.get(Accelerator(config_for(16, ring_words=64)), None)))
    assert {CORE, ENGINE, LANE, *PATHS.values()} <= found
    for above in (CORE, ENGINE, LANE):  # what is there has a name here
        level = {path for path in found if path.rpartition(".")[0] == above}
        assert level <= {ENGINE, *PATHS.values()}, above


def test_without_rings_nothing_else_is_missing():
    found = set(instances(Fragment.get(Accelerator(config_for(16)), None)))
    assert set(PATHS.values()) - found == {PATHS["weights.rings"]}
